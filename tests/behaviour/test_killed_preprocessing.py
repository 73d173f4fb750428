"""Preprocessing that is killed goes on where it was. Run as a script, this file is what gets killed."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from selfsame.datasets.arrays import ArraysDataset, MadeShardsDataset
from selfsame.datasets.file_tree import FileTree
from selfsame.pipelines.preprocessing.nodes import normalise_captures
from selfsame.pipelines.preprocessing.params import PreprocessingParameters
from selfsame.shards.checksums import checksum

PRINTS = 40


def make_parameters(backend):
    off = dict.fromkeys(
        (
            "translation_share", "rotation_deg", "elastic_share", "elastic_reach_share", "pressure",
            "scratches", "dry_share", "crop_share", "noise_share",
        ),
        0.0,
    )  # fmt: skip
    return PreprocessingParameters.model_validate(
        {
            "modality": "fingerprint",
            "backend": backend,
            "workers": 1 if backend == "sequential" else 2,
            "rows_per_shard": 8,
            "max_pixels": 100_000,
            "normalisation": {
                "kind": "fingerprint",
                "height": 96,
                "width": 96,
                "resolution": {"target_dpi": None, "assumed_dpi": 500, "trust_files": True},
                "synthetic_impressions": {"count": 0, "distortion": off},
            },
        }
    )


class SlowTree(FileTree):
    """A tree of files whose reading takes a while, so that workers are at work when the run is killed."""

    def read(self, path, *, at_most=None):
        time.sleep(0.05)
        return super().read(path, at_most=at_most)


def run(captures, folder, backend, source=FileTree):
    paths = sorted(Path(captures).glob("*.bmp"))
    manifest = pd.DataFrame(
        {
            "capture_id": [hashlib.sha256(path.read_bytes()).hexdigest()[:24] for path in paths],
            "subject_id": [path.stem for path in paths],
            "modality": "fingerprint",
            "instance": "left_thumb",
            "capture_index": 1,
            "role": "reference",
            "protocol": "closed_set",
            "path": [path.name for path in paths],
            "xxh128": [checksum(path.read_bytes()) for path in paths],
            "bytes": [path.stat().st_size for path in paths],
        }
    )
    made = MadeShardsDataset(filepath=str(folder)).load()
    shards = normalise_captures(manifest, source("file", str(captures)), made, make_parameters(backend), 1)
    ArraysDataset(filepath=str(folder)).save(shards)


def kill_at_replacement(number):
    """Kill this process before it renames its `number`-th file: every shard renames two."""
    rename, seen = Path.replace, []

    def rename_or_die(path, target):
        seen.append(path)
        if len(seen) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return rename(path, target)

    Path.replace = rename_or_die


def kill_when_made(folder, shards):
    """Kill this process, which does not write itself, once its workers have made so many shards."""

    def watch():
        while len(list(folder.glob("*.json"))) < shards:
            time.sleep(0.005)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


@pytest.fixture(scope="module")
def captures(tmp_path_factory):
    root = tmp_path_factory.mktemp("captures")
    y, x = np.mgrid[:103, :96]
    for seed in range(PRINTS):
        noise = np.random.default_rng(seed).normal(0, 8, x.shape)
        ridges = 128 + 90 * np.cos(2 * np.pi * np.hypot(x - seed, y - 20) / 8) + noise
        cv2.imwrite(str(root / f"s{seed:02}.bmp"), np.clip(ridges, 0, 255).astype(np.uint8))
    return root


@pytest.fixture(scope="module")
def expected(captures, tmp_path_factory):
    folder = tmp_path_factory.mktemp("expected")
    run(captures, folder, "sequential")
    pixels = read_pixels(folder)
    assert len(pixels) == 8
    return pixels


def read_pixels(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.npy")}


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, __file__, *map(str, arguments)], start_new_session=True, stderr=subprocess.DEVNULL
    )


@pytest.mark.parametrize("renames", [1, 2, 9, 16])
def test_killed_while_writing_a_shard_it_goes_on_and_ends_with_the_same_bytes(
    captures, expected, tmp_path, renames
):
    assert start(captures, tmp_path, "sequential", renames).wait(60) == -signal.SIGKILL
    assert len(list(tmp_path.glob("*.part"))) == 1  # what the kill left behind
    finished = MadeShardsDataset(filepath=str(tmp_path)).load().made
    assert len(finished) == (renames - 1) // 2
    before = {name: (tmp_path / f"{name}.npy").stat().st_ino for name in finished}
    run(captures, tmp_path, "sequential")
    assert read_pixels(tmp_path) == expected
    assert {path.suffix for path in tmp_path.iterdir()} == {".npy", ".json"}
    assert {name: (tmp_path / f"{name}.npy").stat().st_ino for name in finished} == before


@pytest.mark.parametrize("backend", ["loky", "dask"])
def test_killed_with_worker_processes_it_goes_on_and_they_end_by_themselves(
    captures, expected, tmp_path, backend
):
    if backend == "dask":
        pytest.importorskip("distributed", reason="the extra dask is not installed")
    process = start(captures, tmp_path, backend, 2)
    assert process.wait(60) == -signal.SIGKILL
    wait_until(lambda: not session_lives(process.pid))
    finished = MadeShardsDataset(filepath=str(tmp_path)).load().made
    assert 2 <= len(finished) < len(expected)
    run(captures, tmp_path, "sequential")
    assert read_pixels(tmp_path) == expected
    assert {path.suffix for path in tmp_path.iterdir()} == {".npy", ".json"}


def wait_until(condition, limit_s=60.0):
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {limit_s} s"
        time.sleep(0.01)


def session_lives(leader):
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    if sys.argv[3] == "sequential":
        kill_at_replacement(int(sys.argv[4]))
        run(*sys.argv[1:4])
    else:
        kill_when_made(Path(sys.argv[2]), int(sys.argv[4]))
        run(*sys.argv[1:4], SlowTree)
