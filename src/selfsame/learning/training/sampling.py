"""What an epoch shows: presentations drawn as a function of the seed and the epoch alone."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ABSENT = -1
"""The row of a modality that a presentation lacks."""


def draw_presentations(
    subjects_of_rows: Sequence[NDArray[np.int64]], *, seed: int, epoch: int
) -> NDArray[np.int64]:
    """Draw the presentations of one epoch, in the order of training.

    A subject is shown as often as the modality of which it has most rows, so every row is shown at least
    once and the rows of that modality exactly once. The rows of its other modalities are drawn without
    replacement and cycled. A modality that a subject lacks stays absent.

    Args:
        subjects_of_rows: for each modality (rows,) int64, the subject (>= 0) of each training row.
        seed: the seed of the run.
        epoch: the epoch, from 1.

    Returns:
        (n, modalities) int64: a row number a modality, -1 where absent.
    """
    rng = np.random.default_rng((seed, epoch))
    subjects = 1 + max((int(rows.max()) for rows in subjects_of_rows if rows.size), default=-1)
    counts = np.stack([np.bincount(rows, minlength=subjects) for rows in subjects_of_rows], axis=1)
    shown = counts.max(axis=1, initial=0)
    subject = np.repeat(np.arange(subjects), shown)
    ordinal = np.arange(subject.size) - np.repeat(np.cumsum(shown) - shown, shown)
    columns = [
        _cycle_rows(rows, counts[:, m], subject, ordinal, rng) for m, rows in enumerate(subjects_of_rows)
    ]
    return np.stack(columns, axis=1)[rng.permutation(subject.size)]


def cut_batches(presentations: NDArray[np.int64], batch_size: int) -> list[NDArray[np.int64]]:
    """Cut presentations into as few batches as `batch_size` allows, whose sizes differ by 1 at most.

    Args:
        presentations: (n, modalities).
        batch_size: the largest batch.
    """
    if len(presentations) == 0:
        return []
    return np.array_split(presentations, -(-len(presentations) // batch_size))


def _cycle_rows(
    rows: NDArray[np.int64],
    counts: NDArray[np.int64],
    subject: NDArray[np.int64],
    ordinal: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Give the j-th presentation of a subject the j-th of its shuffled rows, beginning again at the end."""
    if rows.size == 0:
        return np.full(subject.size, ABSENT, dtype=np.int64)
    shuffled = rng.permutation(rows.size)
    grouped = shuffled[np.argsort(rows[shuffled], kind="stable")]
    first = np.cumsum(counts) - counts
    position = first[subject] + ordinal % np.maximum(counts[subject], 1)
    return np.where(counts[subject] > 0, grouped[np.minimum(position, rows.size - 1)], ABSENT).astype(
        np.int64
    )
