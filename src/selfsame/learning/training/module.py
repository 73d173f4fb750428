"""The Lightning module: what happens in a step and in an epoch of training."""

from collections.abc import Mapping
from dataclasses import dataclass

import pytorch_lightning as lightning
import torch
from torch import Generator, Tensor

from selfsame.fusion.weighted import fuse_cosines
from selfsame.learning.distributed.processes import Member
from selfsame.learning.loading.batches import Batch
from selfsame.learning.randomness import Draws, derive_seed
from selfsame.learning.recogniser import Recogniser, pick_subjects, tabulate_classes
from selfsame.learning.training.augmentation import augment, to_float
from selfsame.learning.training.objective import margin_softmax
from selfsame.learning.training.plan import EpochPlan, Whole
from selfsame.learning.training.regimen import Augmentation, Regimen
from selfsame.learning.training.state import EpochPart
from selfsame.learning.training.tally import Losses, Tally

FIRST_DECAYED_DIMENSION = 2


class TrainingModule(lightning.LightningModule):
    """Train a recogniser.

    Everything random follows from the seed, the epoch and the step, and the learning rate from the progress,
    so that the state after a step is the weights, the optimiser's moments and what was counted.

    Args:
        recogniser: what is trained.
        regimen: the course of the training.
        augmentations: for each modality how its captures are changed.
        plan: the training presentations; its epoch is set here.
        seed: the seed of the run.
        finished: how many epochs were trained before.
        optimiser_state: the optimiser's state, if any.
        part: what was trained of the next epoch before, if any.
        validation_plan: the validation presentations, if any.
        member: which of the processes of the training this is.
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
        part: EpochPart | None = None,
        validation_plan: EpochPlan | None = None,
        member: Member | None = None,
    ) -> None:
        super().__init__()
        self.member = member or Member()
        self.validation_plan = validation_plan
        self.recogniser = recogniser
        self.regimen = regimen
        self.augmentations = augmentations
        self.plan = plan
        self.seed = seed
        self.finished = finished
        self._optimiser_state = optimiser_state
        self._tables = [_tabulate(recogniser, modality) for modality in recogniser.design.modalities]
        self.plan.done = part.steps if part else 0
        self.tally = Tally(self.member, part)
        self.validation_tally = Tally(self.member)

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
        """Begin the epoch, or go on with one of which a part was trained before."""
        self.plan.epoch = self.epoch
        if not self.plan.done:
            self.tally = Tally(self.member)
        self.tally.start()
        self.validation_tally = Tally(self.member)

    def on_train_epoch_end(self) -> None:
        """Plan whole epochs from now on."""
        self.plan.done = 0

    def training_step(self, batch: Batch, number: int) -> Tensor:
        """Compute the loss of one batch, the `number`-th of those of its epoch that were left to train."""
        step = self.plan.done + number
        progress = self._set_learning_rate(step)
        seed = derive_seed(self.seed, self.epoch, step)
        torch.manual_seed(seed)
        generator = Generator(device=self.device)
        generator.manual_seed(seed)
        whole = self.plan.whole(step)
        losses = self.compute_losses(batch, self.regimen.objective.margin_at(progress), generator, whole)
        self.tally.add(losses, whole)
        return losses.total * self.member.world  # gradients of all processes are averaged

    def validation_step(self, batch: Batch, number: int) -> None:
        """Compute the loss of one batch as it comes: no augmentation, no margin, nothing hidden."""
        plan = self.validation_plan
        whole = plan.whole(number) if plan else Whole(batch.present.cpu().numpy(), None)
        self.validation_tally.add(self.compute_losses(batch, 0.0, None, whole), whole)

    def _set_learning_rate(self, step: int) -> float:
        """Set the learning rate of this step; return the share of the training that is done, in [0, 1).

        Step k of n, counted from 1, has the rate of the schedule after k / (n + 1) of the training. So no
        step is taken at its very beginning, where the rate is 0, or at its very end, where it may be.
        """
        steps = self.regimen.max_epochs * self.plan.batches
        done = (self.epoch - 1) * self.plan.batches + step
        rate = self.regimen.learning_rate * self.regimen.schedule.factor_at((done + 1) / (steps + 1))
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = rate
        return done / steps

    def compute_losses(
        self, batch: Batch, margin_rad: float, generator: Generator | None, whole: Whole | None = None
    ) -> Losses:
        """Score single modalities and their fusion; without a generator nothing is augmented or hidden.

        Args:
            batch: this process's share of a batch.
            margin_rad: the angle added to the true class, radians.
            generator: the source of randomness, in the same state in every process.
            whole: the batch of all processes; without it, the batch is that.
        """
        objective = self.regimen.objective
        whole = whole or Whole(batch.present.cpu().numpy(), None)
        counts = whole.present.sum(axis=0).tolist()
        subjects = batch.labels[:, 0]
        embeddings = self._encode(batch, generator, whole)
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
            single.append(
                margin_softmax(
                    compared, classes, scale=objective.scale, margin_rad=margin_rad, count=counts[m]
                )
            )
            cosines[present, :, m], shared[present, :, m] = pick_subjects(
                compared, self._tables[m].pick(classes)
            )
        if generator is not None:
            draws = Draws(generator, len(whole), whole.own)
            shared = shared & _keep_modalities(batch.present, self.regimen.modality_dropout, draws).unsqueeze(
                1
            )
        fused = fuse_cosines(cosines, shared, self.recogniser.fusion())
        loss = margin_softmax(fused, subjects, scale=objective.scale, margin_rad=margin_rad, count=len(whole))
        total = loss + objective.modality_share * torch.stack(single).mean()
        return Losses(total, (fused.argmax(dim=1) == subjects).sum())

    def _encode(self, batch: Batch, generator: Generator | None, whole: Whole) -> dict[str, Tensor]:
        """Encode what is present, one pass an encoder; absent captures never reach it.

        A process without captures of a modality that others have makes an empty pass: normalisation is
        common to all of them.
        """
        design = self.recogniser.design
        embeddings: dict[str, Tensor] = {}
        for encoder in design.encoders:
            pixels: dict[str, Tensor] = {}
            dropped: list[Tensor] = []
            for m, modality in enumerate(design.modalities):
                if design.encoder_of[modality] == encoder and whole.present[:, m].any():
                    floats = to_float(batch.images[m][batch.present[:, m]])
                    if generator is not None:
                        draws = Draws(generator, int(whole.present[:, m].sum()), whole.own_among(m))
                        floats = augment(floats, self.augmentations[modality], draws)
                        dropped.append(self._draw_factors(encoder, draws))
                    pixels[modality] = floats
            if pixels:
                factors = torch.cat(dropped) if dropped else None
                together = self.recogniser.encode(
                    next(iter(pixels)), torch.cat(list(pixels.values())), factors
                )
                sizes = [len(one) for one in pixels.values()]
                embeddings |= dict(zip(pixels, together.split(sizes), strict=True))
        return embeddings

    def _draw_factors(self, name: str, draws: Draws) -> Tensor:
        """Draw which features of an encoder are dropped, and raise the others to make up for them."""
        encoder = self.recogniser.encoder(name)
        share = encoder.design.dropout if encoder.training else 0.0
        return (draws.uniform(encoder.project.in_features) >= share).float() / (1 - share)


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


def _keep_modalities(present: Tensor, share: float, draws: Draws) -> Tensor:
    """Hide modalities at random from the fusion, but never all of them; (n, modalities) bool."""
    kept = present & (draws.uniform(present.shape[1]) >= share)
    return torch.where(kept.any(dim=1, keepdim=True), kept, present)
