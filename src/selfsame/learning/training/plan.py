"""The batches of an epoch, as rows and labels for the loader."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from selfsame.learning.distributed.processes import Member
from selfsame.learning.loading.batches import PlanStep
from selfsame.learning.training.rows import LabelledRows
from selfsame.learning.training.sampling import ABSENT, cut_batches, draw_presentations


@dataclass(frozen=True)
class Whole:
    """A batch of all processes together, of which this one has a share.

    Attributes:
        present: (n, modalities) bool, which modalities each presentation of the whole batch has.
        own: (k,) int64, the positions of this process's presentations in it; None where it has them all.
    """

    present: NDArray[np.bool_]
    own: NDArray[np.int64] | None

    def __len__(self) -> int:
        return len(self.present)

    def own_among(self, column: int) -> NDArray[np.int64] | None:
        """Number this process's captures of a modality among those of the whole batch; None: it has all."""
        if self.own is None:
            return None
        shown = self.present[:, column]
        return (np.cumsum(shown) - 1)[self.own[shown[self.own]]]


class EpochPlan:
    """Plan the batches of the epoch that is due.

    Every process plans the same batches and takes every `world`-th presentation of each.

    The labels of a batch are (batch, 1 + modalities): the subject, then the class of each capture, -1 where
    absent.

    Args:
        rows: the labelled rows of each modality.
        seed: the seed of the run.
        batch_size: the largest batch, of all processes together.
        member: which of the processes this is.

    Attributes:
        epoch: the epoch that is due, from 1.
        done: how many of its batches were trained on before; those are left out.
        batches: of every whole epoch.
    """

    def __init__(
        self, rows: Sequence[LabelledRows], *, seed: int, batch_size: int, member: Member | None = None
    ) -> None:
        self._rows = tuple(rows)
        self._seed = seed
        self._batch_size = batch_size
        self._member = member or Member()
        self._cut = lru_cache(maxsize=1)(self._cut_epoch)
        self.epoch = 1
        self.done = 0
        self.batches = len(self._cut(self.epoch))

    def __len__(self) -> int:
        return self.batches - self.done

    def __iter__(self) -> Iterator[PlanStep]:
        for batch in self._cut(self.epoch)[self.done :]:
            yield self._resolve(batch[self._member.rank :: self._member.world])

    def whole(self, step: int) -> Whole:
        """Say what the batches of all processes hold together in a step of the epoch, counted from 0."""
        batch = self._cut(self.epoch)[step]
        alone = self._member.world == 1
        own = None if alone else np.arange(self._member.rank, len(batch), self._member.world)
        return Whole(batch != ABSENT, own)

    def _cut_epoch(self, epoch: int) -> list[NDArray[np.int64]]:
        subjects = [one.subjects for one in self._rows]
        return cut_batches(draw_presentations(subjects, seed=self._seed, epoch=epoch), self._batch_size)

    def _resolve(self, batch: NDArray[np.int64]) -> PlanStep:
        """Look up global rows and labels of a batch of (n, modalities) local row numbers."""
        rows = np.full(batch.shape, ABSENT, dtype=np.int64)
        labels = np.full((len(batch), 1 + batch.shape[1]), ABSENT, dtype=np.int64)
        for m, modality in enumerate(self._rows):
            present = batch[:, m] != ABSENT
            chosen = batch[present, m]
            rows[present, m] = modality.rows[chosen]
            labels[present, 1 + m] = modality.classes[chosen]
            labels[present, 0] = modality.subjects[chosen]
        return PlanStep(rows=rows, labels=labels)
