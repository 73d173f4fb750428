"""The course of a training run as a table, a plot and a summary."""

from collections.abc import Sequence
from dataclasses import asdict

import pandas as pd
from matplotlib.figure import Figure

from selfsame.learning.device import choose_device
from selfsame.learning.training.regimen import Regimen
from selfsame.learning.training.state import EpochRecord, RunState
from selfsame.learning.training.task import Task

COLUMNS = {
    "epoch": "int32",
    "train_loss": "float64",
    "validation_loss": "float64",
    "train_accuracy": "float64",
    "learning_rate": "float64",
    "seconds": "float64",
    "images_per_second": "float64",
}


def tabulate_history(history: Sequence[EpochRecord]) -> pd.DataFrame:
    """Make a table with one row an epoch; the validation loss is NaN where nothing was validated."""
    return pd.DataFrame([asdict(one) for one in history], columns=list(COLUMNS)).astype(COLUMNS)


def summarise_run(state: RunState, task: Task, regimen: Regimen) -> dict[str, str | int | float | None]:
    """Say in a few figures how the training went.

    `best_epoch` is None where nothing was validated: the best weights are then the last ones.
    """
    best = state.history[state.best_epoch - 1]
    return {
        "epochs": len(state.history),
        "best_epoch": state.best_epoch if best.validation_loss is not None else None,
        "seconds": round(sum(one.seconds for one in state.history), 3),
        "images_per_second": round(
            sum(one.images_per_second for one in state.history) / len(state.history), 1
        ),
        "train_loss": best.train_loss,
        "validation_loss": best.validation_loss,
        "train_accuracy": best.train_accuracy,
        "training_subjects": len(task.labels.subjects),
        "training_captures": sum(len(rows) for rows in task.train.values()),
        "parameters": sum(tensor.numel() for tensor in state.weights.values()),
        "device": choose_device(regimen.device),
        "seed": task.origin.seed,
    }


def draw_history(history: pd.DataFrame) -> Figure:
    """Draw losses, accuracy and learning rate by epoch, one panel each."""
    figure = Figure(figsize=(12, 3.5), layout="constrained")
    losses, accuracy, rate = figure.subplots(1, 3)
    losses.plot(history["epoch"], history["train_loss"], label="training")
    if history["validation_loss"].notna().any():
        losses.plot(history["epoch"], history["validation_loss"], label="validation")
    losses.set(xlabel="epoch", ylabel="loss")
    losses.legend()
    accuracy.plot(history["epoch"], history["train_accuracy"])
    accuracy.set(xlabel="epoch", ylabel="training accuracy, augmented", ylim=(0, 1.02))
    rate.plot(history["epoch"], history["learning_rate"])
    rate.set(xlabel="epoch", ylabel="learning rate")
    return figure
