"""Separation: how far the mated scores of one comparator lie above the non-mated, as one number."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from selfsame.metrics.verification import ErrorCurve

LEAST = 0.01
"""A comparator as bad as chance, or worse, is taken to have this much, so that it still counts where it is
alone."""


def separation(scores: NDArray[np.float64], mated: NDArray[np.bool_]) -> float:
    """Compute d-prime from the equal error rate: -2 Phi^-1(EER), which two normal classes d apart would have.

    From ranks, not from means and variances, because one failed segmentation in a hundred would decide
    those. The EER is that of Laplace's rule, (errors + 1/2) / (mated comparisons + 1), so that no errors
    are a large separation, not an infinite one.

    Args:
        scores: (n,) similarities, higher is more alike; NaN is left out.
        mated: (n,) whether both sides are the same subject; both kinds occur.

    Returns:
        At least 0.01.
    """
    present = np.isfinite(scores)
    levels, place = np.unique(scores[present], return_inverse=True)
    own = np.bincount(place[mated[present]], minlength=len(levels)).astype(np.float64)
    others = np.bincount(place[~mated[present]], minlength=len(levels)).astype(np.float64)
    eer = float(ErrorCurve.from_counts(own, others).equal_error_rate())
    smoothed = (eer * own.sum() + 0.5) / (own.sum() + 1.0)
    return max(float(-2.0 * ndtri(smoothed)), LEAST)
