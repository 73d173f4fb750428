"""A toy task that trains in a second: identities are smooth patterns, captures are noisy copies."""

import mmap
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml

from selfsame.pipelines.training.params import TrainingParameters
from selfsame.shards.arrays import ShardedArrays

HEIGHT, WIDTH = 16, 32
ENCODER = "mobilenetv4_conv_small_050"  # the patterns have no ridges, and the Gabor bank sees only ridges
INSTANCES = {
    "iris_left": ("left",),
    "iris_right": ("right",),
    "fingerprint": ("left_thumb", "right_index"),
}
SPLITS = {1: "train", 2: "train", 3: "train", 4: "validation", 5: "test"}


class Advice(NamedTuple):
    """What the kernel was told about some bytes of a file."""

    advice: int
    begin: int
    end: int


@pytest.fixture
def map_files(tmp_path, monkeypatch) -> Callable[[Sequence[np.ndarray]], tuple[ShardedArrays, list[Advice]]]:
    """Write shards to files and map them; what the kernel is told about the maps is listed as it is told."""
    told: list[Advice] = []

    class Listened(mmap.mmap):
        def madvise(self, advice: int, start: int = 0, length: int | None = None) -> None:
            super().madvise(advice, start, len(self) if length is None else length)  # refuses what is no page
            told.append(Advice(advice, start, len(self) if length is None else start + length))

    monkeypatch.setattr(mmap, "mmap", Listened)

    def write(shards: Sequence[np.ndarray]) -> tuple[ShardedArrays, list[Advice]]:
        for i, pixels in enumerate(shards):
            np.save(tmp_path / f"{i}.npy", pixels)
        maps = {str(i): np.load(tmp_path / f"{i}.npy", mmap_mode="r") for i in range(len(shards))}
        return ShardedArrays(maps), told

    return write


@pytest.fixture
def toy() -> Callable[..., SimpleNamespace]:
    """Make arrays and indexes: `toy(subjects=4, shuffled=False)`."""

    def make(subjects: int = 4, shuffled: bool = False) -> SimpleNamespace:
        rng = np.random.default_rng(0)
        arrays, indexes = {}, {}
        for modality, instances in INSTANCES.items():
            pixels, rows = [], []
            for subject in range(subjects):
                for instance in instances:
                    pattern = cv2.resize(
                        rng.uniform(0, 255, (6, 12)), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC
                    )
                    for capture, split in SPLITS.items():
                        image = pattern + rng.normal(0, 20, pattern.shape)
                        mask = np.full_like(image, 255)
                        mask[:, :3] = 0
                        rows.append((f"s{subject}", instance, capture, split, len(pixels)))
                        pixels.append(np.stack([image, mask]).clip(0, 255).astype(np.uint8))
            if shuffled:
                order = rng.permutation(len(pixels))
                pixels = [pixels[i] for i in order]
            arrays[modality] = ShardedArrays({modality: np.stack(pixels)})
            index = pd.DataFrame(rows, columns=["subject_id", "instance", "capture_index", "split", "row"])
            indexes[modality] = index.assign(
                capture_id=[f"{modality}-{i}" for i in range(len(index))],
                impression=0,
                modality=modality,
                role=np.where(index["capture_index"] <= 3, "reference", "probe"),
                status="ok",
                reason=None,
                shard=modality,
                measures="{}",
            )
        return SimpleNamespace(arrays=arrays, indexes=indexes)

    return make


@pytest.fixture
def parameters() -> Callable[..., TrainingParameters]:
    """Make parameters from the shipped ones with a small encoder: `parameters(max_epochs=3, ...)`."""

    def make(**regimen: object) -> TrainingParameters:
        text = Path("conf/base/parameters_training.yml").read_text(encoding="utf-8")
        block = yaml.safe_load(text.replace("${globals:device}", "cpu"))["biometrics"]["training"]
        for encoder in block["encoders"].values():
            encoder |= {"name": ENCODER, "stage": 1, "channels": 4, "embedding_size": 16}
        block |= {"max_epochs": 2, "batch_size": 16, "threads": 1, **regimen}
        return TrainingParameters(**block)

    return make
