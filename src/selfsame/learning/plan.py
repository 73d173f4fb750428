"""The batches of an epoch, as rows and labels for the loader."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from selfsame.learning.batches import PlanStep
from selfsame.learning.rows import LabelledRows
from selfsame.learning.sampling import ABSENT, cut_batches, draw_presentations


class EpochPlan:
    """Plan the batches of the epoch that is due.

    The labels of a batch are (batch, 1 + modalities): the subject, then the class of each capture, -1 where
    absent.

    Args:
        rows: the labelled rows of each modality.
        seed: the seed of the run.
        batch_size: the largest batch.

    Attributes:
        epoch: the epoch that is due, from 1; every epoch has the same number of batches.
    """

    def __init__(self, rows: Sequence[LabelledRows], *, seed: int, batch_size: int) -> None:
        self._rows = tuple(rows)
        self._seed = seed
        self._batch_size = batch_size
        self.epoch = 1
        self._batches = len(cut_batches(self._draw(), batch_size))

    def __len__(self) -> int:
        return self._batches

    def __iter__(self) -> Iterator[PlanStep]:
        for batch in cut_batches(self._draw(), self._batch_size):
            yield self._resolve(batch)

    def _draw(self) -> NDArray[np.int64]:
        return draw_presentations([one.subjects for one in self._rows], seed=self._seed, epoch=self.epoch)

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
