"""Something to train for benchmarks: people whose traits are smooth patterns, captures that are noisy copies.

The sizes of the arrays and the parameters are the shipped ones.
"""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import yaml

from selfsame.learning.training.task import Task, assemble_task
from selfsame.pipelines.training.params import TrainingParameters
from selfsame.shards.arrays import ShardedArrays

PROJECT = Path(__file__).parents[1]
SIZES = {"iris_left": (48, 256), "iris_right": (48, 256), "fingerprint": (96, 96)}
CAPTURES = 6
NOISE = 20.0


def make_training(subjects: int, **regimen: object) -> tuple[Task, TrainingParameters]:
    """Make a task of so many people with six captures a trait, the last of them to validate.

    Args:
        subjects: people.
        regimen: parameters that differ from the shipped ones.
    """
    text = (PROJECT / "conf/base/parameters_training.yml").read_text()
    block = yaml.safe_load(text.replace("${globals:device}", "cpu"))["biometrics"]["training"]
    parameters = TrainingParameters(**{**block, **regimen})
    rng = np.random.default_rng(0)
    arrays = {
        modality: ShardedArrays({"one": draw_pixels(subjects, size, rng)}) for modality, size in SIZES.items()
    }
    indexes = {modality: make_index(subjects, modality) for modality in SIZES}
    task = assemble_task(
        arrays,
        indexes,
        encoder_of=parameters.encoder_of,
        encoders=parameters.encoders,
        regimen=parameters,
        seed=1,
    )
    return task, parameters


def draw_pixels(subjects: int, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    height, width = size
    pixels = np.full((subjects * CAPTURES, 2, height, width), 255, dtype=np.uint8)
    for subject in range(subjects):
        coarse = rng.uniform(0, 255, (height // 6, width // 6))
        pattern = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        rows = slice(subject * CAPTURES, (subject + 1) * CAPTURES)
        noisy = pattern + rng.normal(0, NOISE, (CAPTURES, height, width))
        pixels[rows, 0] = noisy.clip(0, 255)
    return pixels


def make_index(subjects: int, modality: str) -> pd.DataFrame:
    index = pd.DataFrame({"row": range(subjects * CAPTURES)})
    return index.assign(
        subject_id=[f"{row // CAPTURES:05d}" for row in index["row"]],
        capture_id=[f"{modality}{row}" for row in index["row"]],
        capture_index=index["row"] % CAPTURES + 1,
        impression=0,
        modality=modality,
        instance=modality,
        role="reference",
        split=np.where(index["row"] % CAPTURES == CAPTURES - 1, "validation", "train"),
        status="ok",
        reason=None,
        shard="one",
        measures="{}",
    )
