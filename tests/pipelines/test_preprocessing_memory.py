"""The memory that preprocessing takes does not depend on how many captures there are."""

import hashlib
import tracemalloc
from dataclasses import dataclass

import numpy as np

from selfsame.datasets.arrays import ArraysDataset
from selfsame.imaging.normalised import Normalised
from selfsame.shards.checksums import checksum
from selfsame.shards.making import Recipe
from selfsame.shards.planning import PlannedImpression, plan_shards
from selfsame.shards.running import make_shards

SIDE = 32


@dataclass(frozen=True)
class Numbers:
    """A source whose files are made when they are read: each is its own path, again and again."""

    def read(self, path, *, at_most=None):
        return make_content(path)


def make_content(path):
    return (path.encode() * SIDE * SIDE)[: SIDE * SIDE]


def decode(data):
    return np.frombuffer(data, np.uint8).reshape(SIDE, SIDE)


def normalise(grey):
    return Normalised(grey, grey, {"mean": float(grey.mean())})


def plan(captures):
    paths = [f"{i:06}" for i in range(captures)]
    rows = []
    for path in paths:
        content = make_content(path)
        capture_id = hashlib.sha256(content).hexdigest()[:24]
        rows.append(PlannedImpression(capture_id, path, path, checksum(content), 0, SIDE * SIDE))
    return plan_shards(rows, rows_per_shard=16, settings="s")


def measure_peak(captures, folder):
    shards = plan(captures)
    recipe = Recipe(SIDE, SIDE, 0, decode, normalise)
    dataset = ArraysDataset(filepath=str(folder))
    tracemalloc.start()
    try:
        dataset.save(make_shards(shards, (), Numbers(), recipe, backend="sequential", workers=1))
        saving = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        arrays = dataset.load()
        assert len(arrays) == captures
        return saving, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_grows_by_the_names_of_shards_and_not_by_captures(tmp_path):
    measure_peak(32, tmp_path / "warm")
    few, _ = measure_peak(200, tmp_path / "few")
    many, loading = measure_peak(2000, tmp_path / "many")
    assert len(plan(2000)) == 128
    assert many - few < 1024 * (len(plan(2000)) - len(plan(200)))  # a shard's pixels are 32 KiB
    assert loading < 2000 * 2 * SIDE * SIDE / 4  # what is loaded is mapped, not read
