"""A toy recogniser to train in one process or in several.

torchrun --standalone --nproc-per-node=2 training_together.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from selfsame.learning.training.task import Task, assemble_task
from selfsame.pipelines.training.params import TrainingParameters
from selfsame.shards.arrays import ShardedArrays

EPOCHS = 6
SUBJECTS, CAPTURES, BATCH = 5, 5, 7
"""25 presentations in batches of at most 7, so no share is like another."""


def make_task(devices: int | str, **regimen: object) -> tuple[Task, TrainingParameters]:
    """Make a task of three modalities, of which two people lack prints; the fifth captures validate."""
    text = Path("conf/base/parameters_training.yml").read_text(encoding="utf-8")
    block = yaml.safe_load(text.replace("${globals:device}", "cpu"))["biometrics"]["training"]
    for encoder in block["encoders"].values():
        encoder |= {"name": "mobilenetv4_conv_small_050", "stage": 1, "channels": 4, "embedding_size": 8}
    block |= {"max_epochs": EPOCHS, "batch_size": BATCH, "threads": 1, "devices": devices, **regimen}
    parameters = TrainingParameters(**block)
    rng = np.random.default_rng(0)
    arrays, indexes = {}, {}
    for modality in parameters.encoder_of:
        pixels = rng.integers(0, 256, (SUBJECTS * CAPTURES, 2, 16, 32), dtype=np.uint8)
        arrays[modality] = ShardedArrays({"one": pixels})
        indexes[modality] = make_index(modality)
    indexes["fingerprint"] = indexes["fingerprint"].query("subject_id > 1")
    task = assemble_task(
        arrays,
        indexes,
        encoder_of=parameters.encoder_of,
        encoders=parameters.encoders,
        regimen=parameters,
        seed=5,
    )
    return task, parameters


def make_index(modality: str) -> pd.DataFrame:
    index = pd.DataFrame({"row": range(SUBJECTS * CAPTURES)})
    return index.assign(
        subject_id=index["row"] // CAPTURES,
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


if __name__ == "__main__":
    from selfsame.learning.training.fitting import fit

    fit(*make_task("auto"), Path(sys.argv[1]))
