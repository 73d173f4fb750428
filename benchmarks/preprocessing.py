"""Measure the preprocessing against plain decoding and resizing in memory, for prints and for irises.

Aim: prints at no less than 0.5 of plain decoding and resizing per core; the cost of unwrapping is stated.
Run: python benchmarks/preprocessing.py --captures PATH --output preprocessing.json

PATH holds captures laid out as the Kaggle set. Rows read, decode, normalise and write shards; the floor reads
the same files, decodes to grey with OpenCV and resizes, and keeps nothing. Every round runs all designs in a
random order; a ratio is the median of the ratios within one round. Processor time is what tells on a machine
that others use as well; the start of worker processes counts in the time that passes.
"""

import argparse
import hashlib
import json
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from selfsame.datasets import ArraysDataset
from selfsame.datasets.file_tree import FileTree
from selfsame.fingerprint.normalisation import normalise_fingerprint
from selfsame.imaging.decoding import decode_grey
from selfsame.imaging.resizing import resize
from selfsame.imaging.shard_making import Recipe
from selfsame.imaging.shard_running import make_shards
from selfsame.imaging.sharding import PlannedImpression, plan_shards
from selfsame.iris.normalisation import normalise_iris

RECIPES = {
    "prints": Recipe(
        96,
        96,
        0,
        partial(decode_grey, max_pixels=25_000_000),
        partial(normalise_fingerprint, height=96, width=96),
    ),
    "irises": Recipe(
        48, 256, 0, partial(decode_grey, max_pixels=25_000_000), partial(normalise_iris, height=48, width=256)
    ),
}
FOLDERS = {"prints": ("fingerprint",), "irises": ("left", "right")}
WORKERS = (("sequential", 1), ("threading", 1), ("threading", 2), ("loky", 2))
FLOOR = "floor: OpenCV decodes and resizes"

Costs = dict[str, tuple[float, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the preprocessing.")
    parser.add_argument("--captures", type=Path, required=True)
    parser.add_argument("--images", type=int, default=450, help="of each kind, at most")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    results = {kind: measure(kind, options.captures, options.images, options.rounds) for kind in RECIPES}
    if options.output:
        options.output.write_text(json.dumps(results, indent=2))


def measure(kind: str, root: Path, images: int, rounds: int) -> dict[str, dict[str, float]]:
    impressions = list_captures(root, FOLDERS[kind])[:images]
    if not impressions:
        raise SystemExit(f"expected {kind} below {root}, found none")
    designs = make_designs(root, impressions, RECIPES[kind])
    costs = [run_round(designs) for _ in range(rounds + 1)][1:]
    return report(kind, costs, len(impressions))


def list_captures(root: Path, folders: Sequence[str]) -> list[PlannedImpression]:
    files = (path for path in sorted(root.rglob("*")) if path.suffix.lower() == ".bmp")
    wanted = [path for path in files if path.parent.name.lower() in folders]
    random.Random(0).shuffle(wanted)
    return [
        PlannedImpression(
            hashlib.sha256(path.read_bytes()).hexdigest()[:24],
            str(path),
            path.relative_to(root).as_posix(),
            0,
        )
        for path in wanted
    ]


def make_designs(
    root: Path, impressions: Sequence[PlannedImpression], recipe: Recipe
) -> dict[str, Callable[[], None]]:
    source = FileTree("file", str(root))
    plan = plan_shards(impressions, rows_per_shard=64, settings="benchmark")

    def decode_and_resize(decode: Callable[[bytes], np.ndarray]) -> None:
        for one in impressions:
            resize(decode(source.read(one.path)), recipe.height, recipe.width)

    def preprocess(backend: str, workers: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            shards = make_shards(plan, frozenset(), source, recipe, backend=backend, workers=workers)
            ArraysDataset(filepath=folder).save(shards)
        if backend == "loky":
            end_workers()

    designs: dict[str, Callable[[], None]] = {
        FLOOR: partial(decode_and_resize, decode_opencv),
        "Selfsame's own decoder, and resizing": partial(decode_and_resize, recipe.decode),
    }
    return designs | {f"{b}, {n} workers": partial(preprocess, b, n) for b, n in WORKERS}


def decode_opencv(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)


def end_workers() -> None:
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True)


def run_round(designs: dict[str, Callable[[], None]]) -> Costs:
    """Run every design once: seconds that passed, and seconds of processors."""
    costs = {}
    for name in random.sample(list(designs), len(designs)):
        began, busy = time.perf_counter(), processor_s()
        designs[name]()
        costs[name] = (time.perf_counter() - began, processor_s() - busy)
    return costs


def processor_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def report(kind: str, rounds: list[Costs], images: int) -> dict[str, dict[str, float]]:
    table = {}
    print(f"{kind} ({images})".ljust(40) + f"{'images/s':>10}{'CPU ms/image':>14}{'of floor per core':>19}")
    for name in rounds[0]:
        table[name] = {
            "images_per_second": images / statistics.median(one[name][0] for one in rounds),
            "processor_ms_per_image": 1000 * statistics.median(one[name][1] for one in rounds) / images,
            "of_floor_per_core": statistics.median(one[FLOOR][1] / one[name][1] for one in rounds),
        }
    for name, row in sorted(table.items()):
        rate, cost, share = row.values()
        print(f"{name:40}{rate:10,.0f}{cost:14.3f}{share:19.3f}")
    return table


if __name__ == "__main__":
    main()
