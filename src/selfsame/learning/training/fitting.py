"""A whole training run: build, resume or begin, train, hand over checkpoints and history."""

import logging
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytorch_lightning as lightning
import torch
from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.plugins.environments import TorchElasticEnvironment
from pytorch_lightning.strategies import DDPStrategy

from selfsame.errors import InputError
from selfsame.learning.checkpoint import Checkpoint
from selfsame.learning.device import choose_device
from selfsame.learning.distributed.launching import launch
from selfsame.learning.distributed.processes import Member, count_processes, find_member, joined
from selfsame.learning.distributed.shared_norms import share_norms
from selfsame.learning.loading.residence import TrainingArrays
from selfsame.learning.randomness import reproducible
from selfsame.learning.recogniser import Recogniser
from selfsame.learning.training.epochs import EpochEnd, WithinEpoch
from selfsame.learning.training.module import TrainingModule
from selfsame.learning.training.plan import EpochPlan
from selfsame.learning.training.regimen import Regimen
from selfsame.learning.training.resuming import find_finished, find_together
from selfsame.learning.training.rows import LabelledRows
from selfsame.learning.training.state import RunState, read_state
from selfsame.learning.training.task import Task

logger = logging.getLogger(__name__)

SHOWN_DIGITS = 12

KNOWN_WARNINGS = (
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",  # Lightning's own use of newer torch
    r"GPU available but not used",  # as the settings ask
    r"You defined a `validation_step` but have no `val_dataloader`",  # as the split asks
    r"`broadcast_buffers` is deprecated",  # its successor is not in every torch that is supported
    r"Found \d+ module\(s\) in eval mode",  # frozen backbones, as the settings ask
)
"""Beginnings of Lightning's warnings that are about neither the data nor the settings."""


def fit(task: Task, regimen: Regimen, folder: Path) -> RunState:
    """Train; go on from an interrupted run of the same task and regimen; or reuse a finished one.

    Args:
        task: what is learnt.
        regimen: how.
        folder: where the state and the TensorBoard logs are written.

    Returns:
        The finished state. The same task, regimen and processor threads give the same weights, bit for bit
        on a CPU, wherever and however often the run was interrupted.

    Raises:
        InputError: the settings ask for what the machine or the data do not offer, or training diverged.
        LostProcessError: one of several processes that train together was killed.
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
    member = find_member()
    if member is None and (count := count_processes(regimen.devices, device)) > 1:
        return _fit_in_processes(task, regimen, folder, device, count)
    return _fit_here(task, regimen, folder, device, member or Member())


def _fit_in_processes(task: Task, regimen: Regimen, folder: Path, device: str, count: int) -> RunState:
    """Start processes that train together, unless they have before; they leave the state in the folder."""
    if finished := find_finished(task.origin, folder):
        _say_reused(finished)
        return finished
    logger.info("training: in %d processes", count)
    launch(partial(fit, task, regimen, folder), count, device)
    left = read_state(folder)
    if left is None or not left.finished:
        raise KeyboardInterrupt
    return left


def _fit_here(task: Task, regimen: Regimen, folder: Path, device: str, member: Member) -> RunState:
    """Train in this process, which may be one of several that all do this."""
    with joined(member, device):
        earlier = find_together(task.origin, regimen.checkpoints, folder, member, device)
        if earlier is not None and earlier.finished:
            _say_reused(earlier)
            return earlier
        with reproducible(task.origin.seed, threads=regimen.threads, deterministic=device == "cpu"):
            return _train(task, regimen, folder, device, earlier, member)


def _say_reused(finished: RunState) -> None:
    logger.info("training: the run of %d epochs with the same inputs is reused", len(finished.history))


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


def _train(
    task: Task, regimen: Regimen, folder: Path, device: str, earlier: RunState | None, member: Member
) -> RunState:
    recogniser = build_recogniser(task)
    if earlier is not None:
        recogniser.load_state_dict(earlier.weights)
    if member.world > 1:
        share_norms(recogniser.encoders)
    recogniser.lay_out(channels_last=regimen.channels_last)
    if regimen.compile:
        recogniser.compile_encoders()
    plan = _plan(task.train, task.origin.seed, regimen, member)
    validation = _plan(task.validation, 0, regimen, member) if _validates(task) else None
    module = TrainingModule(
        recogniser,
        regimen=regimen,
        augmentations=task.augmentations,
        plan=plan,
        seed=task.origin.seed,
        finished=len(earlier.history) if earlier else 0,
        optimiser_state=earlier.optimiser if earlier else None,
        part=earlier.part if earlier else None,
        validation_plan=validation,
        member=member,
    )
    end = EpochEnd(task.origin, folder, earlier)
    with _quiet():
        callbacks = [end, WithinEpoch(end, regimen, folder)]
        trainer = _build_trainer(regimen, folder, device, callbacks, module, task)
        arrays = TrainingArrays([task.arrays[one] for one in task.design.modalities], regimen, device)
        trainer.fit(module, arrays.load(plan), arrays.load(validation) if validation else None)
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
    regimen: Regimen,
    folder: Path,
    device: str,
    callbacks: list[lightning.Callback],
    module: TrainingModule,
    task: Task,
) -> lightning.Trainer:
    member = module.member
    return lightning.Trainer(
        accelerator="gpu" if device == "cuda" else "cpu",
        devices=member.local_world,
        num_nodes=member.world // member.local_world,
        strategy=_choose_strategy(member),
        use_distributed_sampler=False,
        precision=regimen.precision,
        max_epochs=regimen.max_epochs - module.finished,
        accumulate_grad_batches=regimen.accumulate,
        gradient_clip_val=regimen.clip_norm,
        callbacks=callbacks,
        reload_dataloaders_every_n_epochs=1,  # after an interrupted run the first epoch is a part of one
        logger=TensorBoardLogger(folder, name="tensorboard", version=task.origin.digest[:SHOWN_DIGITS]),
        enable_checkpointing=False,
        enable_progress_bar=sys.stderr.isatty(),
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
    )


def _choose_strategy(member: Member) -> DDPStrategy | str:
    """Average gradients over the processes; normalisation is common already, and so are its statistics."""
    if member.world == 1:
        return "auto"
    return DDPStrategy(
        cluster_environment=TorchElasticEnvironment(), find_unused_parameters=True, broadcast_buffers=False
    )


def _plan(rows: Mapping[str, LabelledRows], seed: int, regimen: Regimen, member: Member) -> EpochPlan:
    return EpochPlan(list(rows.values()), seed=seed, batch_size=regimen.batch_size, member=member)


def _validates(task: Task) -> bool:
    return any(len(rows) for rows in task.validation.values())
