"""Intervals of 95 % that resample subjects: two captures of one eye are not two independent trials.

Sources: R. M. Bolle, N. K. Ratha, S. Pankanti, "Error analysis of pattern recognition systems: the subsets
bootstrap", Computer Vision and Image Understanding 93 (2004); for the rule of three J. A. Hanley,
A. Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 249 (1983).
"""

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
RULE_OF_THREE = 3.0
"""-ln(1 - 0.95), rounded up: no error in n independent trials bounds the rate at 3/n."""


def draw_multiplicities(subjects: int, resamples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw how often each subject occurs in each resample of all subjects with replacement.

    Returns:
        (subjects, resamples) float64 whole numbers; each column sums to `subjects`.
    """
    share = np.full(subjects, 1.0 / subjects)
    return rng.multinomial(subjects, share, size=resamples).T.astype(np.float64)


def resample_rate(
    hits: NDArray[np.float64], owners: NDArray[np.int64], multiplicities: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Recompute a mean over trials in every resample of the subjects who made them.

    Args:
        hits: (n,) the value of each trial, 1 for a success.
        owners: (n,) row of the subject of each trial in `multiplicities`.
        multiplicities: (subjects, resamples) from `draw_multiplicities`.

    Returns:
        (resamples,) rates, NaN for a resample that holds no trial.
    """
    subjects = len(multiplicities)
    trials = np.bincount(owners, minlength=subjects) @ multiplicities
    successes = np.bincount(owners, weights=hits, minlength=subjects) @ multiplicities
    return np.divide(successes, trials, out=np.full_like(trials, np.nan), where=trials > 0)


def rate_interval(rate: float, resampled: NDArray[np.float64], subjects: int) -> tuple[float, float]:
    """Bound a rate by the percentiles of its resamples, or by the rule of three at 0 and at 1.

    Where no error was seen every resample repeats that, so the percentiles say nothing: the bound is then
    3 / subjects, because one subject's trials are not independent of each other.

    Args:
        rate: the point estimate, in [0, 1].
        resampled: (resamples,) the same rate in every resample; NaN where it could not be computed.
        subjects: how many subjects the rate rests on.
    """
    margin = min(1.0, RULE_OF_THREE / subjects)
    usable = resampled[np.isfinite(resampled)]
    if rate <= 0.0:
        return 0.0, margin
    if rate >= 1.0:
        return 1.0 - margin, 1.0
    if not len(usable):
        return 0.0, 1.0
    tail = (1.0 - CONFIDENCE) / 2
    low, high = np.quantile(usable, [tail, 1.0 - tail])
    return float(low), float(high)
