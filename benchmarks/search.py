"""Measure the one-to-many search against a plain sum over the gallery, and against faiss's flat index.

    python benchmarks/search.py [--size 1000000] [--rounds 7] [--threads 1] [--output search.json]
    python benchmarks/search.py --size 100000 --rounds 5                      # the short form

faiss is no dependency: install faiss-cpu beside this project in an environment of its own, or go without.

Claims: one probe against float32 reads the gallery at no less than 0.6 of the bytes per second of a plain
sum; with a sketch beside it, 1, 16 and 256 probes are searched faster than by faiss, as it is shipped and
with its BLAS path switched on (256 only with it: ten times as fast); float16 and int8 name the row that
float32 names for at least 0.99 of the mated probes, with scores off by no more than LARGEST_ERRORS. Status 1
where a claim does not hold.

Vectors are random. A mated probe has a cosine near 0.5 with one row, a stranger's with none; the best of a
million strangers reaches 0.3. Every round runs all designs in a random order after one that does not count. A
ratio is the median of the ratios within one round; with one thread, of processor times, which other programs
disturb less.
"""

import argparse
import json
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from selfsame.matching.gallery import Gallery
from selfsame.matching.quantisation import RowType, Sketch, quantise

WIDTH, COUNT = 256, 10
PROBES = (1, 16, 256)
TYPES = get_args(RowType)
LEAST_BANDWIDTH, LEAST_AGREEMENT = 0.6, 0.99
LARGEST_ERRORS = {"float16": 1e-4, "int8": 5e-3}
MATED_COSINE = 0.5
SUM, SKETCHED = "plain sum", "float32 sketch"

Vectors = NDArray[np.float32]
Design = Callable[[], object]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path)
    asked = parser.parse_args(arguments)
    torch.set_num_threads(asked.threads)
    with threadpool_limits(asked.threads):
        rng = np.random.default_rng(0)
        vectors = draw_vectors(asked.size, rng)
        probes, mated = draw_probes(vectors, rng)
        galleries = {one: enrol(vectors, one) for one in TYPES}
        designs = make_designs(vectors, galleries, probes, asked.threads)
        rounds = [run_round(designs, asked.threads) for _ in range(asked.rounds + 1)][1:]
    table = tabulate(rounds, {name: one.rows.nbytes for name, one in galleries.items()})
    losses = {name: measure_loss(galleries, name, probes, mated) for name in LARGEST_ERRORS}
    claims = judge(table, losses)
    report(table, losses, claims, asked)
    return 0 if all(claims.values()) else 1


def draw_vectors(n: int, rng: np.random.Generator) -> Vectors:
    vectors = np.empty((n, WIDTH), dtype=np.float32)
    for first in range(0, n, 65536):
        block = vectors[first : first + 65536]
        rng.standard_normal(out=block, dtype=np.float32)
        block /= np.linalg.norm(block, axis=1, keepdims=True)
    return vectors


def draw_probes(vectors: Vectors, rng: np.random.Generator) -> tuple[Vectors, NDArray[np.int64]]:
    """Draw probes: every other one is mated; the rows of the mates, -1 for strangers."""
    probes, mated = draw_vectors(max(PROBES), rng), np.full(max(PROBES), -1)
    mated[::2] = rng.choice(len(vectors), len(mated[::2]), replace=False)
    known = mated >= 0
    noise = np.sqrt(1 - MATED_COSINE**2) * probes[known]
    probes[known] = MATED_COSINE * vectors[mated[known]] + noise
    return probes / np.linalg.norm(probes, axis=1, keepdims=True), mated


def enrol(vectors: Vectors, row_type: RowType) -> Gallery:
    rows, scale = (vectors, 1.0) if row_type == "float32" else quantise(vectors, row_type)
    return Gallery(rows, np.arange(len(rows)).astype(str), scale)


def make_designs(
    vectors: Vectors, galleries: dict[str, Gallery], probes: Vectors, threads: int
) -> dict[str, Design]:
    designs: dict[str, Design] = {SUM: lambda: torch.from_numpy(vectors).sum()}
    plain = galleries["float32"]
    galleries = {**galleries, SKETCHED: replace(plain, sketch=Sketch.of(plain.rows))}
    for name, gallery in galleries.items():
        for n in PROBES:
            designs[f"{name}, {n}"] = lambda gallery=gallery, n=n: gallery.search(
                probes[:n], COUNT, threads if n == 1 else 1
            )
    try:
        import faiss
    except ImportError:
        print("faiss is not installed: its rows and the claims about it are left out\n")
        return designs
    index = faiss.IndexFlatIP(WIDTH)
    index.add(vectors)
    agree(index.search(probes, COUNT), galleries["float32"].search(probes, COUNT))

    def search(n: int, blas_from: int) -> None:
        faiss.cvar.distance_compute_blas_threshold = blas_from
        index.search(probes[:n], COUNT)

    shipped = faiss.cvar.distance_compute_blas_threshold
    for n in PROBES[:2]:
        designs[f"faiss, {n}"] = lambda n=n: search(n, shipped)
    for n in PROBES[1:]:
        designs[f"faiss BLAS, {n}"] = lambda n=n: search(n, 2)
    return designs


def agree(theirs: tuple[np.ndarray, np.ndarray], ours: tuple[np.ndarray, np.ndarray]) -> None:
    """Stop where the scores of two exact searches differ by more than the rounding of float32."""
    gap = float(np.abs(theirs[0] - ours[1]).max())
    if gap > 1e-5:
        sys.exit(f"faiss and the gallery disagree: their scores differ by {gap}")


def run_round(designs: dict[str, Design], threads: int) -> dict[str, float]:
    """Run every design once: seconds of one thread's processor, or seconds that pass."""
    clock = time.process_time if threads == 1 else time.perf_counter
    seconds = {}
    for name in random.sample(list(designs), len(designs)):
        began = clock()
        designs[name]()
        seconds[name] = clock() - began
    return seconds


def tabulate(rounds: list[dict[str, float]], sizes: dict[str, int]) -> dict[str, dict[str, float]]:
    """Give for each design its time, its spread, and its ratios to the sum and to faiss."""
    table = {}
    for name in rounds[0]:
        seconds = [one[name] for one in rounds]
        kind, _, n = name.partition(", ")
        row = {
            "ms": 1e3 * statistics.median(seconds),
            "least_ms": 1e3 * min(seconds),
            "most_ms": 1e3 * max(seconds),
        }
        row["ms_per_probe"] = row["ms"] / int(n or 1)
        share = sizes.get(kind, sizes["float32"]) / sizes["float32"]
        row["of_the_bandwidth_of_a_sum"] = statistics.median(share * one[SUM] / one[name] for one in rounds)
        theirs = [other for other in rounds[0] if other.startswith("faiss") and other.endswith(f", {n}")]
        if theirs:
            row["times_faiss"] = statistics.median(min(one[x] for x in theirs) / one[name] for one in rounds)
        if n:
            row["times_float32"] = statistics.median(one[f"float32, {n}"] / one[name] for one in rounds)
        table[name] = row
    return table


def measure_loss(
    galleries: dict[str, Gallery], row_type: str, probes: Vectors, mated: NDArray[np.int64]
) -> dict[str, float]:
    """Compare what a smaller type finds with what float32 finds."""
    true = galleries["float32"]
    best, _ = true.search(probes, COUNT)
    found, scores = galleries[row_type].search(probes, COUNT)
    same, known = best[:, 0] == found[:, 0], mated >= 0
    exact = np.vecdot(true.rows[found].astype(np.float64), probes[:, None].astype(np.float64))
    errors = np.abs(scores - exact)
    return {
        "rank_1_agreement_mated": float(same[known].mean()),
        "rank_1_agreement_strangers": float(same[~known].mean()),
        "top_10_shared": float(
            np.mean([len(np.intersect1d(a, b)) / COUNT for a, b in zip(best, found, strict=True)])
        ),
        "mean_score_error": float(errors.mean()),
        "largest_score_error": float(errors.max()),
    }


def judge(table: dict[str, dict[str, float]], losses: dict[str, dict[str, float]]) -> dict[str, bool]:
    claims = {
        f"one probe in float32 reads at {LEAST_BANDWIDTH} of the bandwidth of a sum or more": (
            table["float32, 1"]["of_the_bandwidth_of_a_sum"] >= LEAST_BANDWIDTH
        )
    }
    for n in PROBES:
        if "times_faiss" in table[f"{SKETCHED}, {n}"]:
            claims[f"{n} probe(s) in float32 with a sketch are searched faster than by faiss"] = (
                table[f"{SKETCHED}, {n}"]["times_faiss"] > 1
            )
    for name, loss in losses.items():
        claims[
            f"{name} names the row that float32 names for {LEAST_AGREEMENT} of the mated probes or more"
        ] = loss["rank_1_agreement_mated"] >= LEAST_AGREEMENT
        claims[f"{name} scores are off by {LARGEST_ERRORS[name]} or less"] = (
            loss["largest_score_error"] <= LARGEST_ERRORS[name]
        )
    return claims


def report(
    table: dict[str, dict[str, float]],
    losses: dict[str, dict[str, float]],
    claims: dict[str, bool],
    asked: argparse.Namespace,
) -> None:
    print(f"{asked.size:,} x {WIDTH}, the best {COUNT}, {asked.threads} thread(s), {asked.rounds} rounds")
    heads = ("ms", "least", "most", "ms/probe", "of sum", "x faiss", "x float32")
    print(f"{'design, probes':20}" + "".join(f"{head:>11}" for head in heads))
    for name, row in sorted(table.items(), key=lambda item: item[1]["ms"]):
        print(
            f"{name:20}{row['ms']:11.1f}{row['least_ms']:11.1f}{row['most_ms']:11.1f}{row['ms_per_probe']:11.2f}"
            f"{row['of_the_bandwidth_of_a_sum']:11.2f}"
            f"{row.get('times_faiss', float('nan')):11.2f}{row.get('times_float32', float('nan')):11.2f}"
        )
    for name, loss in losses.items():
        print(
            f"\n{name}: " + ", ".join(f"{key.replace('_', ' ')} {value:.5f}" for key, value in loss.items())
        )
    print()
    for claim, holds in claims.items():
        print(f"{'holds' if holds else 'DOES NOT HOLD':14} {claim}")
    if asked.output:
        machine = {"platform": platform.platform(), "numpy": np.__version__, "torch": torch.__version__}
        asked_for = {"size": asked.size, "width": WIDTH, "threads": asked.threads, "rounds": asked.rounds}
        document = {"machine": machine, **asked_for, "designs": table, "losses": losses, "claims": claims}
        asked.output.write_text(json.dumps(document, indent=2))


if __name__ == "__main__":
    sys.exit(main())
