"""Train a toy recogniser in the folder given, and die by SIGKILL at the moment given."""

import os
import signal
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from selfsame.learning.training import epochs, module
from selfsame.pipelines.training.nodes import fit_recogniser
from selfsame.pipelines.training.params import TrainingParameters
from selfsame.shards.arrays import ShardedArrays

CAPTURES = 16


def train(folder: Path) -> None:
    text = Path("conf/base/parameters_training.yml").read_text(encoding="utf-8")
    block = yaml.safe_load(text.replace("${globals:device}", "cpu"))["biometrics"]["training"]
    for encoder in block["encoders"].values():
        encoder |= {"channels": 4, "embedding_size": 8}
    block |= {"max_epochs": 3, "batch_size": 4, "threads": 1}
    block["checkpoints"] = {"every_steps": 2, "every_minutes": None}
    rng = np.random.default_rng(0)
    inputs = []
    for modality in block["encoder_of"]:
        pixels = rng.integers(0, 256, (CAPTURES, 2, 16, 32), dtype=np.uint8)
        inputs += [ShardedArrays({"one": pixels}), make_index(modality)]
    fit_recogniser(TrainingParameters(**block), 5, folder, *inputs)


def make_index(modality: str) -> pd.DataFrame:
    index = pd.DataFrame({"subject_id": np.repeat(["a", "b", "c", "d"], 4), "row": range(CAPTURES)})
    return index.assign(
        capture_id=[f"{modality}{row}" for row in index["row"]],
        capture_index=index["row"] % 4 + 1,
        impression=0,
        modality=modality,
        instance=modality,
        role="reference",
        split="train",
        status="ok",
        reason=None,
        shard="one",
        measures="{}",
    )


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arrange_death(moment: str) -> None:
    write, step, replace = epochs.write_state, module.TrainingModule.training_step, Path.replace

    def write_and_die(state, folder):
        write(state, folder)
        if state.part is None:
            die()

    def step_or_die(self, batch, number):
        if self.epoch == 2 and self.plan.done + number == 3:
            die()
        return step(self, batch, number)

    def write_half(self, target):
        if self.name.endswith(".part") and Path(target).exists():
            self.write_bytes(self.read_bytes()[:500])
            die()
        return replace(self, target)

    if moment == "after epoch 1":
        epochs.write_state = write_and_die
    elif moment == "within epoch 2":
        module.TrainingModule.training_step = step_or_die
    elif moment == "while the state is written":
        Path.replace = write_half


if __name__ == "__main__":
    arrange_death(sys.argv[2])
    train(Path(sys.argv[1]))
