"""Measure the one-to-many search against a plain sum over the gallery, and against faiss's flat index.

    python benchmarks/search.py [--size 1000000] [--widths 256 128] [--threads 1] [--output search.json]
    python benchmarks/search.py --short                 # made-up data, under 20 s

faiss is no dependency: install faiss-cpu beside this project in an environment of its own, or go without.

Claims: one probe against 256 numbers a row in float32 reads the gallery at no less than 0.6 of the bytes a
second of a plain sum; with an int8 sketch beside it 1, 16 and 256 probes, and 64 probes against 128 numbers a
row, are searched faster than by faiss, as it is shipped and with its BLAS path switched on (256 only with it:
ten times as fast), and so are 64 and 256 probes without a sketch; float16 and int8 name the row that float32
names for at least 0.99 of the mated probes, with scores off by no more than LARGEST_ERRORS.

Vectors are random. A mated probe has a cosine near 0.5 with one row, a stranger's with none; the best of a
million strangers reaches 0.3. With one thread, ratios are of processor times, which other programs disturb
less.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import get_args

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from rounds import Claim, Measure, Rounds, Row, Spread, conclude, cost_of, parser_of, run_rounds, speed_of
from selfsame.matching.identification.gallery import Gallery
from selfsame.matching.identification.quantisation import RowType, Sketch, quantise

COUNT = 10
PROBES = {256: (1, 16, 256), 128: (64,)}
TYPES = get_args(RowType)
LEAST_BANDWIDTH, LEAST_AGREEMENT = 0.6, 0.99
LARGEST_ERRORS = {"float16": 1e-4, "int8": 5e-3}
MATED_COSINE = 0.5
SUM, PRODUCT, SKETCHED, FAISS, FAISS_BLAS = (
    "plain sum",
    "product alone",
    "float32 sketch",
    "faiss",
    "faiss BLAS",
)
PRODUCT_ROWS = 8192
MANY = 64
"""From so many probes on float32 is to be faster than faiss without a sketch, too."""

Vectors = NDArray[np.float32]
Design = Callable[[], object]


def main() -> int:
    parser = parser_of(__doc__, rounds=5)
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--widths", type=int, nargs="+", choices=list(PROBES), default=list(PROBES))
    asked = parser.parse_args()
    if asked.short:
        asked.size, asked.rounds = 20_000, 2
    torch.set_num_threads(asked.threads)
    table: dict[str, Row] = {}
    claims: list[Claim] = []
    with threadpool_limits(asked.threads):
        for width in asked.widths:
            rows, found = compare(width, asked)
            table |= rows
            claims += found
    return conclude(f"search of {asked.size:,} rows, {asked.threads} thread(s)", table, claims, asked)


def compare(width: int, asked: argparse.Namespace) -> tuple[dict[str, Row], list[Claim]]:
    rng = np.random.default_rng(0)
    vectors = draw_vectors(asked.size, width, rng)
    probes, mated = draw_probes(vectors, max(PROBES[width]), rng)
    galleries = {one: enrol(vectors, one) for one in (TYPES if width == 256 else ("float32",))}
    plain = galleries["float32"]
    designs: dict[str, Design] = {SUM: lambda: torch.from_numpy(vectors).sum()}
    for name, gallery in {**galleries, SKETCHED: replace(plain, sketch=Sketch.of(plain.rows))}.items():
        for n in PROBES[width]:
            workers = asked.threads if n == 1 else 1
            designs[f"{name}, {n}"] = partial(gallery.search, probes[:n], COUNT, workers)
    for n in PROBES[width][1:] or PROBES[width]:
        designs[f"{PRODUCT}, {n}"] = partial(multiply, vectors, probes[:n])
    designs |= make_faiss(vectors, probes, plain, PROBES[width])
    by: Measure = "processor_s" if asked.threads == 1 else "wall_s"
    rounds = run_rounds(designs, asked.rounds)
    sizes = {name: one.rows.nbytes / plain.rows.nbytes for name, one in galleries.items()}
    table = tabulate(rounds, sizes, by)
    losses = {
        name: measure_loss(galleries, name, probes, mated) for name in LARGEST_ERRORS if name in galleries
    }
    named = {f"{width}: {name}": row for name, row in table.items()}
    return named | {f"{width}: {name}, loss": loss for name, loss in losses.items()}, judge(
        width, table, losses
    )


def draw_vectors(n: int, width: int, rng: np.random.Generator) -> Vectors:
    vectors = np.empty((n, width), dtype=np.float32)
    for first in range(0, n, 65536):
        block = vectors[first : first + 65536]
        rng.standard_normal(out=block, dtype=np.float32)
        block /= np.linalg.norm(block, axis=1, keepdims=True)
    return vectors


def draw_probes(vectors: Vectors, n: int, rng: np.random.Generator) -> tuple[Vectors, NDArray[np.int64]]:
    """Draw probes: every other one is mated; the rows of the mates, -1 for strangers."""
    probes, mated = draw_vectors(n, vectors.shape[1], rng), np.full(n, -1)
    mated[::2] = rng.choice(len(vectors), len(mated[::2]), replace=False)
    known = mated >= 0
    noise = np.sqrt(1 - MATED_COSINE**2) * probes[known]
    probes[known] = MATED_COSINE * vectors[mated[known]] + noise
    return probes / np.linalg.norm(probes, axis=1, keepdims=True), mated


def enrol(vectors: Vectors, row_type: RowType) -> Gallery:
    rows, scale = (vectors, 1.0) if row_type == "float32" else quantise(vectors, row_type)
    return Gallery(rows, np.arange(len(rows)).astype(str), scale)


def multiply(vectors: Vectors, probes: Vectors) -> None:
    """Multiply and forget: what no search by products can be faster than."""
    held = np.empty((PRODUCT_ROWS, len(probes)), dtype=np.float32)
    for first in range(0, len(vectors), PRODUCT_ROWS):
        rows = vectors[first : first + PRODUCT_ROWS]
        np.matmul(rows, probes.T, out=held[: len(rows)])


def make_faiss(
    vectors: Vectors, probes: Vectors, plain: Gallery, counts: tuple[int, ...]
) -> dict[str, Design]:
    try:
        import faiss
    except ImportError:
        print("faiss is not installed: its rows and the claims about it are left out\n")
        return {}
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    agree(index.search(probes, COUNT), plain.search(probes, COUNT))
    shipped = faiss.cvar.distance_compute_blas_threshold

    def search(n: int, blas_from: int) -> None:
        faiss.cvar.distance_compute_blas_threshold = blas_from
        index.search(probes[:n], COUNT)

    designs: dict[str, Design] = {f"{FAISS}, {n}": partial(search, n, shipped) for n in counts if n < 256}
    return designs | {f"{FAISS_BLAS}, {n}": partial(search, n, 2) for n in counts if n > 1}


def agree(theirs: tuple[np.ndarray, np.ndarray], ours: tuple[np.ndarray, np.ndarray]) -> None:
    """Stop where the scores of two exact searches differ by more than the rounding of float32."""
    gap = float(np.abs(theirs[0] - ours[1]).max())
    if gap > 1e-5:
        sys.exit(f"faiss and the gallery disagree: their scores differ by {gap}")


def tabulate(rounds: Rounds, sizes: Mapping[str, float], by: Measure) -> dict[str, Row]:
    """Give for each design its time, its bandwidth as a share of the sum's, and how it does beside faiss."""
    table: dict[str, Row] = {}
    for name in rounds[0]:
        kind, _, n = name.partition(", ")
        cost, speed = cost_of(rounds, name, by), speed_of(rounds, name, SUM, by)
        share = sizes.get(kind, 1.0)
        row: dict[str, float | Spread] = {
            "ms a probe": Spread(
                *(1e3 * one / int(n or 1) for one in (cost.median, cost.least, cost.greatest))
            ),
            "bandwidth of a sum": Spread(
                *(share * one for one in (speed.median, speed.least, speed.greatest))
            ),
        }
        theirs = [other for other in (f"{FAISS}, {n}", f"{FAISS_BLAS}, {n}") if other in rounds[0]]
        if theirs:
            row["times faiss"] = Spread.of(
                min(getattr(one[x], by) for x in theirs) / getattr(one[name], by) for one in rounds
            )
        if n:
            row["times float32"] = speed_of(rounds, name, f"float32, {n}", by)
        table[name] = row
    return table


def scale(spread: Spread, factor: float) -> Spread:
    return Spread(spread.median * factor, spread.least * factor, spread.greatest * factor)


def measure_loss(
    galleries: Mapping[str, Gallery], row_type: str, probes: Vectors, mated: NDArray[np.int64]
) -> dict[str, float]:
    """Compare what a smaller type finds with what float32 finds."""
    true = galleries["float32"]
    best, _ = true.search(probes, COUNT)
    found, scores = galleries[row_type].search(probes, COUNT)
    same, known = best[:, 0] == found[:, 0], mated >= 0
    exact = np.vecdot(true.rows[found].astype(np.float64), probes[:, None].astype(np.float64))
    errors = np.abs(scores - exact)
    return {
        "rank 1, mated": float(same[known].mean()),
        "rank 1, strangers": float(same[~known].mean()),
        "largest error": float(errors.max()),
    }


def judge(width: int, table: Mapping[str, Row], losses: Mapping[str, Mapping[str, float]]) -> list[Claim]:
    claims = []
    if width == 256:
        share = table["float32, 1"]["bandwidth of a sum"]
        text = f"one probe in float32 reads at {LEAST_BANDWIDTH} of the bandwidth of a sum"
        claims.append(Claim(text, share, share.median >= LEAST_BANDWIDTH))
    for n in PROBES[width]:
        for kind in (SKETCHED, "float32"):
            times = table[f"{kind}, {n}"].get("times faiss")
            if isinstance(times, Spread) and (kind == SKETCHED or n >= MANY):
                text = f"{n} probe(s) against {width} numbers a row, {kind}, faster than faiss"
                claims.append(Claim(text, times, times.median > 1))
    for name, loss in losses.items():
        agreed, error = loss["rank 1, mated"], loss["largest error"]
        claims += [
            Claim(f"{name} names the same mated rows", agreed, agreed >= LEAST_AGREEMENT),
            Claim(
                f"{name} scores are off by {LARGEST_ERRORS[name]} or less",
                error,
                error <= LARGEST_ERRORS[name],
                exact=True,
            ),
        ]
    return claims


if __name__ == "__main__":
    sys.exit(main())
