"""The Lightning module: what happens in a step and in an epoch of training."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

import pytorch_lightning as lightning
import torch
from torch import Generator, Tensor

from selfsame.fusion.weighted import fuse_cosines
from selfsame.learning.augmentation import augment, to_float
from selfsame.learning.batches import Batch
from selfsame.learning.objective import margin_softmax
from selfsame.learning.plan import EpochPlan
from selfsame.learning.randomness import derive_seed
from selfsame.learning.recogniser import Recogniser, pick_subjects, tabulate_classes
from selfsame.learning.regimen import Augmentation, Regimen

FIRST_DECAYED_DIMENSION = 2


@dataclass(frozen=True)
class Losses:
    """What a batch costs.

    Attributes:
        total: scalar, fused loss plus the share of the mean loss of the single modalities.
        correct: scalar int64, presentations whose fused score is highest for the true subject.
    """

    total: Tensor
    correct: Tensor


class TrainingModule(lightning.LightningModule):
    """Train a recogniser.

    Everything random follows from the seed, the epoch and the step, and the learning rate from the progress,
    so that the state after an epoch is the weights and the optimiser's moments alone.

    Args:
        recogniser: what is trained.
        regimen: the course of the training.
        augmentations: for each modality how its captures are changed.
        plan: the training presentations; its epoch is set here.
        seed: the seed of the run.
        finished: how many epochs were trained before.
        optimiser_state: the optimiser's state after them, if any.
    """

    def __init__(
        self,
        recogniser: Recogniser,
        *,
        regimen: Regimen,
        augmentations: Mapping[str, Augmentation],
        plan: EpochPlan,
        seed: int,
        finished: int,
        optimiser_state: dict[str, object] | None,
    ) -> None:
        super().__init__()
        self.recogniser = recogniser
        self.regimen = regimen
        self.augmentations = augmentations
        self.plan = plan
        self.seed = seed
        self.finished = finished
        self._optimiser_state = optimiser_state
        self._tables = [_tabulate(recogniser, modality) for modality in recogniser.design.modalities]
        self.tally = Tally()
        self.validation_tally = Tally()

    @property
    def epoch(self) -> int:
        """The epoch that is being trained, from 1, counted over all interrupted runs."""
        return self.finished + self.current_epoch + 1

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Decay matrices and filters, but neither biases, norms, prototypes nor fusion weights."""
        decayed: list[torch.nn.Parameter] = []
        kept: list[torch.nn.Parameter] = []
        for name, parameter in self.recogniser.named_parameters():
            if parameter.requires_grad:
                plain = parameter.ndim >= FIRST_DECAYED_DIMENSION and not name.startswith("prototypes.")
                (decayed if plain else kept).append(parameter)
        groups = [
            {"params": decayed, "weight_decay": self.regimen.weight_decay},
            {"params": kept, "weight_decay": 0.0},
        ]
        optimiser = torch.optim.AdamW(groups, lr=self.regimen.learning_rate, fused=self.regimen.fused)
        if self._optimiser_state is not None:
            optimiser.load_state_dict(self._optimiser_state)
        return optimiser

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Shorten the gradient to the largest norm.

        Lightning refuses this for a fused optimiser in mixed precision, for the sake of scaled gradients;
        those of bfloat16 are not scaled.
        """
        if gradient_clip_val is not None:
            trained = [one for group in optimizer.param_groups for one in group["params"]]
            torch.nn.utils.clip_grad_norm_(trained, gradient_clip_val)

    def on_train_epoch_start(self) -> None:
        """Set every source of randomness from the seed and the epoch."""
        torch.manual_seed(derive_seed(self.seed, self.epoch))
        self.plan.epoch = self.epoch
        self.tally = Tally()
        self.validation_tally = Tally()

    def training_step(self, batch: Batch, step: int) -> Tensor:
        """Compute the loss of one batch."""
        progress = self._set_learning_rate(step)
        generator = Generator(device=self.device)
        generator.manual_seed(derive_seed(self.seed, self.epoch, step))
        losses = self.compute_losses(batch, self.regimen.objective.margin_at(progress), generator)
        self.tally.add(losses, batch)
        return losses.total

    def validation_step(self, batch: Batch, _step: int) -> None:
        """Compute the loss of one batch as it comes: no augmentation, no margin, nothing hidden."""
        self.validation_tally.add(self.compute_losses(batch, 0.0, None), batch)

    def _set_learning_rate(self, step: int) -> float:
        """Set the learning rate of this step; return the share of the training that is done, in [0, 1)."""
        progress = (self.epoch - 1 + step / len(self.plan)) / self.regimen.max_epochs
        rate = self.regimen.learning_rate * self.regimen.schedule.factor_at(progress)
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = rate
        return progress

    def compute_losses(self, batch: Batch, margin_rad: float, generator: Generator | None) -> Losses:
        """Score single modalities and their fusion; without a generator nothing is augmented or hidden."""
        objective = self.regimen.objective
        subjects = batch.labels[:, 0]
        embeddings = self._encode(batch, generator)
        shape = (len(batch), len(self.recogniser.labels.subjects), len(batch.images))
        cosines = torch.zeros(shape, device=self.device)
        shared = torch.zeros(shape, dtype=torch.bool, device=self.device)
        single = []
        for m, modality in enumerate(self.recogniser.design.modalities):
            present = batch.present[:, m]
            if modality not in embeddings:
                continue
            classes = batch.labels[present, 1 + m]
            with torch.autocast(self.device.type, enabled=False):
                compared = self.recogniser.compare_classes(modality, embeddings[modality])
            single.append(margin_softmax(compared, classes, scale=objective.scale, margin_rad=margin_rad))
            cosines[present, :, m], shared[present, :, m] = pick_subjects(
                compared, self._tables[m].pick(classes)
            )
        if generator is not None:
            shared = shared & _keep_modalities(
                batch.present, self.regimen.modality_dropout, generator
            ).unsqueeze(1)
        fused = fuse_cosines(cosines, shared, self.recogniser.fusion())
        loss = margin_softmax(fused, subjects, scale=objective.scale, margin_rad=margin_rad)
        total = loss + objective.modality_share * torch.stack(single).mean()
        return Losses(total, (fused.argmax(dim=1) == subjects).sum())

    def _encode(self, batch: Batch, generator: Generator | None) -> dict[str, Tensor]:
        """Encode what is present, one pass an encoder; absent captures never reach it."""
        design = self.recogniser.design
        embeddings: dict[str, Tensor] = {}
        for encoder in design.encoders:
            pixels: dict[str, Tensor] = {}
            for m, modality in enumerate(design.modalities):
                if design.encoder_of[modality] == encoder and bool(batch.present[:, m].any()):
                    floats = to_float(batch.images[m][batch.present[:, m]])
                    changes = self.augmentations[modality]
                    pixels[modality] = augment(floats, changes, generator) if generator else floats
            if pixels:
                together = self.recogniser.encode(next(iter(pixels)), torch.cat(list(pixels.values())))
                sizes = [len(one) for one in pixels.values()]
                embeddings |= dict(zip(pixels, together.split(sizes), strict=True))
        return embeddings


class Tally:
    """Sums over the batches of an epoch, kept on the device until they are read."""

    def __init__(self) -> None:
        self._loss: list[Tensor] = []
        self._correct: list[Tensor] = []
        self.presentations = 0
        self.images = 0
        self._start_s = time.perf_counter()

    def add(self, losses: Losses, batch: Batch) -> None:
        """Count a batch."""
        self._loss.append(losses.total.detach() * len(batch))
        self._correct.append(losses.correct)
        self.presentations += len(batch)
        self.images += int(batch.present.sum())

    @property
    def seconds(self) -> float:
        """Since the first batch was awaited."""
        return time.perf_counter() - self._start_s

    @property
    def loss(self) -> float:
        """The mean loss of a presentation; NaN where there were none."""
        return float(torch.stack(self._loss).sum()) / self.presentations if self._loss else math.nan

    @property
    def accuracy(self) -> float:
        """The share of presentations whose fused score is highest for the true subject; NaN of none."""
        return float(torch.stack(self._correct).sum()) / self.presentations if self._correct else math.nan


@dataclass(frozen=True)
class _ClassTable:
    """Which class of a modality's encoder is the same instance of another subject.

    Attributes:
        instance: (classes,) int64, the instance of each class.
        classes: (instances, subjects) int64, the class of each subject's instance, or -1.
    """

    instance: Tensor
    classes: Tensor

    def pick(self, classes: Tensor) -> Tensor:
        """Return for each class (n,) the classes of that instance of all subjects, (n, subjects)."""
        return self.classes.to(classes.device)[self.instance.to(classes.device)[classes]]


def _tabulate(recogniser: Recogniser, modality: str) -> _ClassTable:
    encoder = recogniser.design.encoder_of[modality]
    classes = recogniser.labels.classes[encoder]
    instances = tuple(sorted({instance for _, instance in classes}))
    number = {instance: i for i, instance in enumerate(instances)}
    column = torch.tensor([number[instance] for _, instance in classes], dtype=torch.int64)
    return _ClassTable(column, tabulate_classes(recogniser.labels, encoder, instances).T.contiguous())


def _keep_modalities(present: Tensor, share: float, generator: Generator) -> Tensor:
    """Hide modalities at random from the fusion, but never all of them; (n, modalities) bool."""
    drawn = torch.rand(present.shape, generator=generator, device=generator.device) >= share
    kept = present & drawn
    return torch.where(kept.any(dim=1, keepdim=True), kept, present)
