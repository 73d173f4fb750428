"""How well log-likelihood ratios tell mated from non-mated: Cllr, and its minimum over monotone calibrations.

Log-likelihood ratios are natural: ln of p(score | mated) / p(score | non-mated).
Source: N. Brümmer, J. du Preez, "Application-independent evaluation of speaker detection", Computer Speech
and Language 20 (2006).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from selfsame.errors import InputError


def cllr(llrs: NDArray[np.float64], mated: NDArray[np.bool_]) -> float:
    """Compute the cost of log-likelihood ratios, in bits.

    Cllr = (mean over mated of log2(1 + exp(-llr)) + mean over non-mated of log2(1 + exp(llr))) / 2.
    0 is perfect, 1 what a ratio of 1 for everything costs, above 1 worse than saying nothing; inf where a
    certain answer is wrong.

    Args:
        llrs: (n,) natural log-likelihood ratios; -inf and inf are certain answers.
        mated: (n,) whether both sides are the same subject.
    """
    _refuse(llrs, mated)
    lost_mated = np.logaddexp(0.0, -llrs[mated]).mean()
    lost_non_mated = np.logaddexp(0.0, llrs[~mated]).mean()
    return float((lost_mated + lost_non_mated) / 2 / np.log(2))


def pav_llrs(scores: NDArray[np.float64], mated: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Turn scores into the log-likelihood ratios that suit these comparisons best (pool adjacent violators).

    The posterior is the isotonic regression of `mated` on the score, tied scores together; the ratio is its
    odds over the odds of mated to non-mated among the comparisons. No monotone calibration has a lower Cllr
    on them, so it is a bound, not a calibrator to be used on others.

    Args:
        scores: (n,) similarity, higher is more alike; -inf for a failure.
        mated: (n,) whether both sides are the same subject.

    Returns:
        (n,) natural log-likelihood ratios, never falling with the score; -inf below every mated score and inf
        above every non-mated one.
    """
    _refuse(scores, mated)
    _, places = np.unique(scores, return_inverse=True)
    counts = np.bincount(places)
    shares = np.bincount(places, weights=mated) / counts
    posteriors = np.clip(isotonic_regression(shares, weights=counts).x, 0.0, 1.0)
    with np.errstate(divide="ignore"):
        odds = np.log(posteriors) - np.log1p(-posteriors)
    prior = np.log(np.count_nonzero(mated)) - np.log(np.count_nonzero(~mated))
    llrs: NDArray[np.float64] = (odds - prior)[places]
    return llrs


def min_cllr(scores: NDArray[np.float64], mated: NDArray[np.bool_]) -> float:
    """Compute the Cllr after the best monotone calibration, in bits, from 0 to 1: discrimination alone.

    Cllr - minimal Cllr is the calibration loss.
    """
    return cllr(pav_llrs(scores, mated), mated)


def _refuse(values: NDArray[np.float64], mated: NDArray[np.bool_]) -> None:
    if len(values) != len(mated):
        raise ValueError(f"expected one value per comparison, got {len(values)} of {len(mated)}")
    unusable = int(np.count_nonzero(np.isnan(values)))
    if unusable:
        raise ValueError(f"expected scores that are numbers, got {unusable} NaN of {len(values)}")
    if not mated.any() or mated.all():
        raise InputError(
            f"expected mated and non-mated comparisons, got {int(mated.sum())} mated of {len(mated)}"
        )
