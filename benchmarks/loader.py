"""Measure the batch loader against a plain copy and against a DataLoader of one .npy file an image.

Claim: at least 20 times the DataLoader on the same samples.
Run: python benchmarks/loader.py --output loader.json

Samples are random pixels of the default sizes, three modalities a sample, in the page cache. Every round runs
all designs in a random order; a ratio is the median of the ratios within one round.
"""

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from selfsame.datasets import ArraysDataset
from selfsame.imaging.arrays import Shard, ShardedArrays, ShardRecord, digest_pixels
from selfsame.learning.batches import BatchLoader, PlanStep

SIZES = ((48, 256), (48, 256), (96, 96))
SHARD_ROWS = 64
WORKERS = "one .npy an image, DataLoader, 2 workers"


class FilePerImage(Dataset[tuple[torch.Tensor, ...]]):
    """The usual way: one .npy file an image, loaded where the sample is asked for."""

    def __init__(self, folder: Path, order: np.ndarray) -> None:
        self._folder = folder
        self._order = order

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, ...]:
        row = self._order[i]
        return tuple(
            torch.from_numpy(np.load(self._folder / f"{m}" / f"{row}.npy")) for m in range(len(SIZES))
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the batch loader.")
    parser.add_argument("--samples", type=int, default=2048)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        arrays = write_samples(Path(folder), options.samples)
        designs = make_designs(Path(folder), arrays, options.samples, options.batch)
        rounds = [run_round(designs, options.samples) for _ in range(options.rounds + 1)][1:]
    report(rounds, options.output)


def write_samples(folder: Path, samples: int) -> list[ShardedArrays]:
    rng = np.random.default_rng(0)
    loaded = []
    for m, (height, width) in enumerate(SIZES):
        (folder / f"{m}").mkdir()
        shards = []
        for first in range(0, samples, SHARD_ROWS):
            pixels = rng.integers(0, 256, (SHARD_ROWS, 2, height, width), dtype=np.uint8)
            record = ShardRecord(
                shape=pixels.shape,
                sha256=digest_pixels(pixels),
                entries=(),
                seconds={},
                provisional=False,
                recipe="",
            )
            shards.append(Shard(f"{first:08}", pixels, record))
            for row, image in enumerate(pixels):
                np.save(folder / f"{m}" / f"{first + row}.npy", image)
        dataset = ArraysDataset(filepath=str(folder / f"arrays{m}"))
        dataset.save(shards)
        loaded.append(dataset.load())
    return loaded


def make_designs(
    folder: Path, arrays: list[ShardedArrays], samples: int, batch: int
) -> dict[str, Callable[[], Iterable[object]]]:
    order = np.random.default_rng(1).permutation(samples)
    rows = np.repeat(order[:, None], len(SIZES), axis=1)
    steps = [PlanStep(rows[i : i + batch], order[i : i + batch]) for i in range(0, samples, batch)]
    loader = BatchLoader(arrays, steps, prefetch=2, pin=False)
    files = FilePerImage(folder, order)
    in_order = [one.gather(np.arange(samples)) for one in arrays]
    targets = [np.empty((batch, 2, *size), dtype=np.uint8) for size in SIZES]

    def copy_batches() -> Iterable[object]:
        for first in range(0, samples, batch):
            for source, target in zip(in_order, targets, strict=True):
                chunk = source[first : first + batch]
                np.copyto(target[: len(chunk)], chunk)
            yield targets

    return {
        "one .npy an image, DataLoader": lambda: DataLoader(files, batch_size=batch),
        WORKERS: lambda: DataLoader(files, batch_size=batch, num_workers=2),
        "BatchLoader": lambda: loader,
        "memcpy of rows in order": copy_batches,
    }


def run_round(
    designs: dict[str, Callable[[], Iterable[object]]], samples: int
) -> dict[str, tuple[float, float]]:
    """Run every design once: samples per second that passes, and per second of this process's processor."""
    rates = {}
    for name in random.sample(list(designs), len(designs)):
        began, busy = time.perf_counter(), time.process_time()
        for _ in designs[name]():
            pass
        rates[name] = (samples / (time.perf_counter() - began), samples / (time.process_time() - busy))
    return rates


def report(rounds: list[dict[str, tuple[float, float]]], output: Path | None) -> None:
    baseline = "one .npy an image, DataLoader"
    table = {
        name: {
            "samples_per_second": statistics.median(one[name][0] for one in rounds),
            "times_file_per_image": statistics.median(one[name][0] / one[baseline][0] for one in rounds),
            "times_by_processor": statistics.median(one[name][1] / one[baseline][1] for one in rounds),
        }
        for name in sorted(rounds[0], key=lambda name: rounds[0][name])
    }
    del table[WORKERS]["times_by_processor"]  # the time of its worker processes is not seen
    print(f"{'design':44}{'samples/s':>12}{'x file per image':>18}{'by processor time':>19}")
    for name, row in table.items():
        share = row.get("times_by_processor", float("nan"))
        print(f"{name:44}{row['samples_per_second']:12,.0f}{row['times_file_per_image']:18.1f}{share:19.1f}")
    if output:
        output.write_text(json.dumps({"sizes": SIZES, "designs": table}, indent=2))


if __name__ == "__main__":
    main()
