"""One-to-many search: the best record of each subject, and the subjects most alike."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Owners:
    """Whose records the columns of a table of scores are.

    Attributes:
        subjects: (subjects,) sorted.
        order: (records,) the columns, those of a subject beside each other; None where they are so already.
        starts: (subjects,) where in this order each subject begins.
    """

    subjects: NDArray[np.str_]
    order: NDArray[np.int64] | None
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, record_subjects: NDArray[np.str_]) -> "Owners":
        """Sort (records,) owners."""
        order = np.argsort(record_subjects, kind="stable")
        subjects, starts = np.unique(record_subjects[order], return_index=True)
        sorted_already = np.array_equal(order, np.arange(len(order)))
        return cls(subjects, None if sorted_already else order, starts)

    def best(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Reduce (n, records) scores to (n, subjects): the maximum over a subject's records."""
        if not len(self.subjects):
            return np.empty((len(scores), 0), dtype=np.float32)
        ordered = scores if self.order is None else scores[:, self.order]
        return np.fmax.reduceat(ordered, self.starts, axis=1).astype(np.float32, copy=False)


def name_most_alike(
    scores: NDArray[np.float32], subjects: NDArray[np.str_], count: int
) -> tuple[NDArray[np.str_], NDArray[np.float32]]:
    """Name the `count` subjects most alike to each presentation; equal scores in the order of the subjects.

    Args:
        scores: (n, subjects) from `Owners.best`.
        subjects: (subjects,) the names of the columns.
        count: how many to name, at least 1.

    Returns:
        (n, count) the subjects, most alike first, an empty string where there are fewer; and (n, count)
        float32 their scores, falling, NaN where there are fewer.
    """
    filled = np.where(np.isnan(scores), -np.inf, scores)
    order = _list_highest(filled, min(count, filled.shape[1]))
    best = np.take_along_axis(scores, order, axis=1).astype(np.float32)
    padding = ((0, 0), (0, max(0, count - scores.shape[1])))
    names = np.where(np.isnan(best), "", subjects[order] if len(subjects) else "")
    return np.pad(names, padding, constant_values=""), np.pad(best, padding, constant_values=np.nan)


def _list_highest(scores: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """List the columns of the highest scores of each row, (n, count), equal ones in their order."""
    if not count:
        return np.empty((len(scores), 0), dtype=np.int64)
    least = np.partition(scores, scores.shape[1] - count, axis=1)[:, scores.shape[1] - count]
    found = [np.flatnonzero(row >= limit) for row, limit in zip(scores, least, strict=True)]
    chosen = [
        columns[np.argsort(-row[columns], kind="stable")[:count]]
        for row, columns in zip(scores, found, strict=True)
    ]
    return np.array(chosen, dtype=np.int64).reshape(len(scores), count)


def subset_key(modalities: Iterable[str]) -> str:
    """Name a set of modalities as the operating points do, such as `iris_left+fingerprint`.

    Give the modalities in the workload's order.
    """
    return "+".join(modalities)
