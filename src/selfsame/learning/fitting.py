"""A whole training run: build, resume or begin, train, hand over checkpoints and history."""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytorch_lightning as lightning
import torch
from pytorch_lightning.loggers import TensorBoardLogger

from selfsame.errors import DamagedError, InputError
from selfsame.learning.checkpoint import Checkpoint, Origin
from selfsame.learning.device import choose_device
from selfsame.learning.epochs import EpochEnd
from selfsame.learning.module import TrainingModule
from selfsame.learning.plan import EpochPlan
from selfsame.learning.randomness import reproducible
from selfsame.learning.recogniser import Recogniser
from selfsame.learning.regimen import Regimen
from selfsame.learning.residence import Loader, TrainingArrays
from selfsame.learning.state import RunState, name_difference, read_state
from selfsame.learning.task import Task

logger = logging.getLogger(__name__)

SHOWN_DIGITS = 12

KNOWN_WARNINGS = (
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",  # Lightning's own use of newer torch
    r"GPU available but not used",  # as the settings ask
    r"You defined a `validation_step` but have no `val_dataloader`",  # as the split asks
    r"Found \d+ module\(s\) in eval mode",  # frozen backbones, as the settings ask
)
"""Beginnings of Lightning's warnings that are about neither the data nor the settings."""


def fit(task: Task, regimen: Regimen, folder: Path) -> RunState:
    """Train; go on from an interrupted run of the same task and regimen; or reuse a finished one.

    Args:
        task: what is learnt.
        regimen: how.
        folder: where the state after each epoch and the TensorBoard logs are written.

    Returns:
        The finished state. The same task, regimen and processor threads give the same weights, bit for bit
        on a CPU, however often the run was interrupted.

    Raises:
        InputError: the settings ask for what the machine or the data do not offer, or training diverged.
    """
    device = choose_device(regimen.device)
    if (
        regimen.early_stopping
        and regimen.early_stopping.monitor == "validation_loss"
        and not _validates(task)
    ):
        raise InputError(
            "expected validation captures, because early stopping monitors validation_loss, got none of a "
            "training subject: give the protocol a validation share, or set early_stopping to null"
        )
    earlier = find_earlier(task.origin, folder)
    if earlier is not None and earlier.finished:
        logger.info("training: the run of %d epochs with the same inputs is reused", len(earlier.history))
        return earlier
    with reproducible(task.origin.seed, threads=regimen.threads, deterministic=device == "cpu"):
        return _train(task, regimen, folder, device, earlier)


def find_earlier(origin: Origin, folder: Path) -> RunState | None:
    """Find what an earlier run with the same origin left, and say in one line what was found."""
    try:
        earlier = read_state(folder)
    except DamagedError as error:
        logger.info("training: begins afresh (%s)", error)
        return None
    if earlier is None:
        return None
    difference = name_difference(origin, earlier.origin)
    if difference:
        logger.info("training: begins afresh, because the earlier run was of %s", difference)
        return None
    if not earlier.finished:
        logger.info("training: goes on after epoch %d of an interrupted run", len(earlier.history))
    return earlier


def pack_checkpoint(state: RunState, task: Task, *, best: bool) -> Checkpoint:
    """Pack the best or the last weights of a finished run with all that they need."""
    weights = state.best_weights if best else state.weights
    epoch = state.best_epoch if best else len(state.history)
    record = state.history[epoch - 1]
    shares = torch.softmax(weights["fusion.logits"].double(), dim=0).tolist()
    return Checkpoint(
        design=task.design,
        labels=task.labels,
        origin=task.origin,
        fusion_weights=dict(zip(task.design.modalities, shares, strict=True)),
        epoch=epoch,
        metrics={
            "train_loss": record.train_loss,
            "validation_loss": record.validation_loss,
            "train_accuracy": record.train_accuracy,
        },
        weights={name: tensor.contiguous().numpy() for name, tensor in weights.items()},
    )


def build_recogniser(task: Task) -> Recogniser:
    """Build the recogniser as training begins: random, or with the stored weights of its backbones."""
    recogniser = Recogniser(task.design, task.labels)
    for name, weights in task.pretrained.items():
        recogniser.encoder(name).adopt(weights)
    for name in task.frozen:
        recogniser.encoder(name).freeze()
    return recogniser


def _train(task: Task, regimen: Regimen, folder: Path, device: str, earlier: RunState | None) -> RunState:
    recogniser = build_recogniser(task)
    if earlier is not None:
        recogniser.load_state_dict(earlier.weights)
    recogniser.lay_out(channels_last=regimen.channels_last)
    if regimen.compile:
        recogniser.compile_encoders()
    plan = EpochPlan(list(task.train.values()), seed=task.origin.seed, batch_size=regimen.batch_size)
    module = TrainingModule(
        recogniser,
        regimen=regimen,
        augmentations=task.augmentations,
        plan=plan,
        seed=task.origin.seed,
        finished=len(earlier.history) if earlier else 0,
        optimiser_state=earlier.optimiser if earlier else None,
    )
    end = EpochEnd(task.origin, folder, earlier)
    with _quiet():
        trainer = _build_trainer(regimen, folder, device, end, module.finished, task)
        arrays = TrainingArrays([task.arrays[one] for one in task.design.modalities], regimen, device)
        trainer.fit(module, arrays.load(plan), _load_validation(task, regimen, arrays))
    if end.state is None or trainer.interrupted:
        raise KeyboardInterrupt
    return end.state


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Lightning's remarks about the machine, and its known warnings, from the log; others are shown."""
    talkative = logging.getLogger("pytorch_lightning")
    before = talkative.level
    talkative.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            for message in KNOWN_WARNINGS:
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        talkative.setLevel(before)


def _build_trainer(
    regimen: Regimen, folder: Path, device: str, end: EpochEnd, finished: int, task: Task
) -> lightning.Trainer:
    return lightning.Trainer(
        accelerator="gpu" if device == "cuda" else "cpu",
        devices=1,
        precision=regimen.precision,
        max_epochs=regimen.max_epochs - finished,
        accumulate_grad_batches=regimen.accumulate,
        gradient_clip_val=regimen.clip_norm,
        callbacks=[end],
        logger=TensorBoardLogger(folder, name="tensorboard", version=task.origin.digest[:SHOWN_DIGITS]),
        enable_checkpointing=False,
        enable_progress_bar=sys.stderr.isatty(),
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
    )


def _load_validation(task: Task, regimen: Regimen, arrays: TrainingArrays) -> Loader | None:
    if not _validates(task):
        return None
    rows = list(task.validation.values())
    return arrays.load(EpochPlan(rows, seed=0, batch_size=regimen.batch_size))


def _validates(task: Task) -> bool:
    return any(len(rows) for rows in task.validation.values())
