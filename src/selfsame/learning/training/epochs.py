"""Between two epochs: record, best weights, state on disk, log, early stopping. Within one: the state."""

import logging
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytorch_lightning as lightning
from torch import Tensor

from selfsame.errors import InputError
from selfsame.learning.checkpoint import Origin
from selfsame.learning.distributed.processes import Member
from selfsame.learning.training.module import TrainingModule
from selfsame.learning.training.regimen import EarlyStopping, Regimen
from selfsame.learning.training.state import EpochPart, EpochRecord, RunState, write_state

logger = logging.getLogger(__name__)

ASKED_EVERY = 16
"""Steps of the optimiser between two looks at the clock, where several processes have to agree on it."""


class EpochEnd(lightning.Callback):
    """Close each epoch.

    Attributes:
        origin: of the run.
        state: the state after the last finished epoch, or what an interrupted run left; None before both.
    """

    def __init__(self, origin: Origin, folder: Path, earlier: RunState | None) -> None:
        self.origin = origin
        self._folder = folder
        self.state = earlier

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Record the epoch, keep its weights, and write the state that a killed run goes on from.

        Raises:
            InputError: a loss or a weight is not finite: training diverged.
        """
        module = _as_training_module(pl_module)
        record = _record_part(module, module.tally.read(module.plan.batches), trainer)
        history = (*(self.state.history if self.state else ()), record)
        stopping = module.regimen.early_stopping
        over = record.epoch >= module.regimen.max_epochs or ran_out_of_patience(history, stopping)
        weights = copy_weights(module)
        require_finite(record, weights)
        best = find_best_epoch(history)
        self.state = RunState(
            origin=self.origin,
            history=history,
            finished=over,
            best_epoch=best,
            weights=weights,
            best_weights=weights if best == record.epoch or self.state is None else self.state.best_weights,
            optimiser=trainer.optimizers[0].state_dict(),
        )
        if module.member.first:
            write_state(self.state, self._folder)
        trainer.should_stop = trainer.should_stop or over
        _log(trainer, record, module.regimen.max_epochs)


class WithinEpoch(lightning.Callback):
    """Write the state after some of the optimiser's steps, as often as the regimen asks.

    Args:
        end: knows what the epochs before came to.
        regimen: how often.
        folder: where the state is written.
    """

    def __init__(self, end: EpochEnd, regimen: Regimen, folder: Path) -> None:
        self._end = end
        self._accumulate = regimen.accumulate
        self._every = regimen.checkpoints
        self._folder = folder
        self._written_s = time.monotonic()

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Count the minutes from the end of the epoch before, which was written."""
        self._written_s = time.monotonic()

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        """Write the state where it is due; not after the last step, because the epoch's end is written too.

        Raises:
            InputError: a loss or a weight is not finite, or the folder cannot be written.
        """
        module = _as_training_module(pl_module)
        steps = module.plan.done + batch_idx + 1
        if steps % self._accumulate or steps >= module.plan.batches:
            return
        if not self._is_due(steps, module.member, pl_module.device.type):
            return
        before = self._end.state
        weights = copy_weights(module)
        part = module.tally.read(steps)
        require_finite(_record_part(module, part, trainer), weights)
        state = RunState(
            origin=self._end.origin,
            history=before.history if before else (),
            finished=False,
            best_epoch=before.best_epoch if before else 0,
            weights=weights,
            best_weights=before.best_weights if before else {},
            optimiser=trainer.optimizers[0].state_dict(),
            part=part,
        )
        if module.member.first:
            write_state(state, self._folder)
        self._written_s = time.monotonic()

    def _is_due(self, steps: int, member: Member, device: str) -> bool:
        """Tell whether it is time; of several processes, the first one's clock counts."""
        taken = steps // self._accumulate
        if self._every.every_steps and taken % self._every.every_steps == 0:
            return True
        if self._every.every_minutes is None or (member.world > 1 and taken % ASKED_EVERY):
            return False
        over = time.monotonic() - self._written_s >= 60 * self._every.every_minutes
        return member.share(bytes([over]), device) == bytes([True])


def find_best_epoch(history: Sequence[EpochRecord]) -> int:
    """Return the epoch of lowest finite validation loss; the last where there is none."""
    judged = [
        (one.validation_loss, one.epoch)
        for one in history
        if one.validation_loss is not None and math.isfinite(one.validation_loss)
    ]
    return min(judged)[1] if judged else history[-1].epoch


def require_finite(record: EpochRecord, weights: Mapping[str, Tensor]) -> None:
    """Refuse to go on with losses or weights that are infinite or no numbers.

    Raises:
        InputError: names what is not finite, and the epoch.
    """
    losses = {"training loss": record.train_loss, "validation loss": record.validation_loss}
    wrong = [name for name, loss in losses.items() if loss is not None and not math.isfinite(loss)]
    wrong += [f"weights {name}" for name, tensor in weights.items() if not bool(tensor.isfinite().all())]
    if wrong:
        raise InputError(
            f"expected finite numbers in training, got nan or infinity as {wrong[0]} in epoch "
            f"{record.epoch}: lower learning_rate (the last was {record.learning_rate:g}) or clip_norm"
        )


def ran_out_of_patience(history: Sequence[EpochRecord], stopping: EarlyStopping | None) -> bool:
    """Tell whether the monitored loss has had no new lowest value for as many epochs as patience allows."""
    if stopping is None:
        return False
    values = [getattr(one, stopping.monitor) for one in history]
    if any(value is None for value in values):
        return False
    return len(values) - 1 - values.index(min(values)) >= stopping.patience


def copy_weights(module: TrainingModule) -> dict[str, Tensor]:
    """Copy the recogniser's tensors to the CPU."""
    tensors = module.recogniser.state_dict()
    return {name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}


def _record_part(module: TrainingModule, part: EpochPart, trainer: lightning.Trainer) -> EpochRecord:
    """Make the record of an epoch, or of the part that is done; every process has to call this."""
    tally = module.validation_tally
    return EpochRecord(
        epoch=module.epoch,
        train_loss=part.mean_loss,
        validation_loss=tally.read(0).mean_loss if tally.presentations else None,
        train_accuracy=part.accuracy,
        learning_rate=float(trainer.optimizers[0].param_groups[0]["lr"]),
        seconds=part.seconds,
        images_per_second=part.images / max(part.seconds, 1e-9),
    )


def _log(trainer: lightning.Trainer, record: EpochRecord, epochs: int) -> None:
    """Write the epoch to TensorBoard, and as a line where no progress bar shows it."""
    figures = {name: value for name, value in vars(record).items() if name != "epoch" and value is not None}
    if trainer.logger is not None:
        trainer.logger.log_metrics(figures, step=record.epoch)
    if trainer.progress_bar_callback is None:
        logger.info(
            "epoch %d of %d: loss %.3f, accuracy %.3f, %.0f images/s",
            record.epoch,
            epochs,
            record.train_loss,
            record.train_accuracy,
            record.images_per_second,
        )


def _as_training_module(module: lightning.LightningModule) -> TrainingModule:
    if not isinstance(module, TrainingModule):
        raise TypeError(f"expected a TrainingModule, got {type(module).__name__}")
    return module
