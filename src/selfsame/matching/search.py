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
    order = np.argsort(record_subjects, kind="stable")
    subjects, starts = np.unique(record_subjects[order], return_index=True)
    if not len(subjects):
        return subjects, np.empty((len(scores), 0), dtype=np.float32)
    return subjects, np.fmax.reduceat(scores[:, order], starts, axis=1).astype(np.float32)


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
    order = np.argsort(-filled, axis=1, kind="stable")[:, :count]
    best = np.take_along_axis(scores, order, axis=1).astype(np.float32)
    padding = ((0, 0), (0, max(0, count - scores.shape[1])))
    names = np.pad(
        np.where(np.isnan(best), "", subjects[order] if len(subjects) else ""), padding, constant_values=""
    )
    best = np.pad(best, padding, constant_values=np.nan)
    return Candidates(names, best, known=best[:, 0] >= thresholds)


def subset_key(modalities: Iterable[str]) -> str:
    """Name a set of modalities as the operating points do, such as `iris_left+fingerprint`.

    Give the modalities in the workload's order.
    """
    return "+".join(modalities)
