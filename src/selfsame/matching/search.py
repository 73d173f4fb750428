"""One-to-many search: the best record of each subject, and the subjects most alike."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Candidates:
    """What a search gives for each presentation.

    Attributes:
        subjects: (n, k) the most alike subjects first; an empty string where there are fewer than k.
        scores: (n, k) float32 their scores, falling; NaN where there are fewer than k.
        known: (n,) whether the first score reaches the presentation's threshold; else it is `unknown`.
    """

    subjects: NDArray[np.str_]
    scores: NDArray[np.float32]
    known: NDArray[np.bool_]


def best_per_subject(
    scores: NDArray[np.float32], record_subjects: NDArray[np.str_]
) -> tuple[NDArray[np.str_], NDArray[np.float32]]:
    """Reduce the scores of records to those of subjects: the maximum over a subject's records.

    Args:
        scores: (n, records), NaN where there was nothing to compare.
        record_subjects: (records,) whose record each column is.

    Returns:
        The sorted subjects and the (n, subjects) maxima, NaN where a subject has no score.
    """
    owners = Owners.of(record_subjects)
    return owners.subjects, owners.best(scores)


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


def identify(
    scores: NDArray[np.float32],
    subjects: NDArray[np.str_],
    *,
    thresholds: NDArray[np.floating],
    count: int,
) -> Candidates:
    """Name the `count` subjects most alike to each presentation; equal scores in the order of the subjects.

    Args:
        scores: (n, subjects) from `best_per_subject`.
        subjects: (subjects,) the names of the columns.
        thresholds: (n,) the score from which the first candidate is accepted (it depends on the modalities
            that the presentation shows).
        count: how many candidates to name, at least 1.
    """
    filled = np.where(np.isnan(scores), -np.inf, scores)
    order = _list_highest(filled, min(count, filled.shape[1]))
    best = np.take_along_axis(scores, order, axis=1).astype(np.float32)
    padding = ((0, 0), (0, max(0, count - scores.shape[1])))
    names = np.pad(
        np.where(np.isnan(best), "", subjects[order] if len(subjects) else ""), padding, constant_values=""
    )
    best = np.pad(best, padding, constant_values=np.nan)
    return Candidates(names, best, known=best[:, 0] >= thresholds)


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
