"""Intervals of shares of trials that have subjects in common, in closed form: no resampling is needed.

A mated comparison belongs to one subject; a non-mated one to two, and two comparisons hang together where
they share either. Sources: for two sides M. Fafchamps, F. Gubert, "The formation of risk sharing networks",
Journal of Development Economics 83 (2007), P. M. Aronow, C. Samii, V. A. Assenova, "Cluster-robust variance
estimation for dyadic data", Political Analysis 23 (2015); for biometric rates M. E. Schuckers, "Computational
Methods in Biometric Authentication" (2010).
"""

import numpy as np
from numpy.typing import NDArray

from selfsame.metrics.intervals import FEW, RULE_OF_THREE, exact_interval


def share_interval(
    hits: NDArray[np.bool_], owners: NDArray[np.int64] | NDArray[np.str_]
) -> tuple[float, float]:
    """Bound a share of trials of which each belongs to one subject: FNMR at a threshold, rank-1, FTA.

    The variance is that of a ratio of sums over subjects: n / (n - 1) * sum of (hits - share * trials)^2 of
    each subject, over the squared number of trials.

    Args:
        hits: (trials,) what is counted.
        owners: (trials,) whose trial it was: a name or a number for each subject.
    """
    _refuse_none(hits)
    _, codes = np.unique(owners, return_inverse=True)
    subjects = int(codes.max()) + 1
    share, trials = float(hits.mean()), np.bincount(codes)
    struck = np.bincount(codes, weights=hits)
    if subjects < 2:
        return (0.0, 1.0)
    residuals = struck - share * trials
    return exact_interval(
        share,
        float(residuals @ residuals) / len(hits) ** 2 * subjects / (subjects - 1),
        subjects - 1,
        margin=RULE_OF_THREE / subjects,
        few_hits=int(np.count_nonzero(struck)) <= FEW,
        few_misses=int(np.count_nonzero(trials - struck)) <= FEW,
    )


def pair_share_interval(
    hits: NDArray[np.bool_], probes: NDArray[np.int64], references: NDArray[np.int64]
) -> tuple[float, float]:
    """Bound a share of comparisons of which each belongs to two subjects: FMR at a threshold.

    With D(i, j) the sum of hits - share over the comparisons of subjects i and j, either way round, the
    variance is n (n - 1) / (n - 2)^2 * (sum over i of (sum over j of D(i, j))^2 - sum over pairs of D(i,
    j)^2) over the squared number of comparisons, and never less than the pairs alone have: sum over pairs of
    D(i, j)^2.

    No hit bounds the share at 3 / pairs. That is right where people are about equally easy to be taken for; a
    rare person who is taken for many can be missing from the sample, and only 3 / subjects bounds that.

    Args:
        hits: (comparisons,) what is counted.
        probes: (comparisons,) a whole number for each subject presented.
        references: (comparisons,) the same numbers for the subjects compared with.
    """
    _refuse_none(hits)
    everyone, codes = np.unique(np.concatenate([probes, references]), return_inverse=True)
    subjects, first, second = len(everyone), codes[: len(hits)], codes[len(hits) :]
    pairs, pair = np.unique(
        np.minimum(first, second) * subjects + np.maximum(first, second), return_inverse=True
    )
    share, trials = float(hits.mean()), np.bincount(pair)
    struck = np.bincount(pair, weights=hits)
    residuals = struck - share * trials
    touching = np.bincount(pairs // subjects, weights=residuals, minlength=subjects)
    touching += np.bincount(pairs % subjects, weights=residuals, minlength=subjects)
    alone = float(residuals @ residuals)
    shrunk = subjects * (subjects - 1) / max(subjects - 2, 1) ** 2
    linked = (float(touching @ touching) - alone) * shrunk
    return exact_interval(
        share,
        max(alone, linked) / len(hits) ** 2,
        max(subjects / 2 - 1, 1.0),
        margin=RULE_OF_THREE / len(pairs),
        few_hits=int(np.count_nonzero(struck)) <= FEW,
        few_misses=int(np.count_nonzero(trials - struck)) <= FEW,
    )


def _refuse_none(hits: NDArray[np.bool_]) -> None:
    if not len(hits):
        raise ValueError("expected at least one trial to take a share of, got none")
