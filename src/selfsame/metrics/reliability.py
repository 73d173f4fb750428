"""How far the posteriors of a classifier can be believed: log loss, Brier score, calibration error.

Sources: G. W. Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78
(1950); M. P. Naeini, G. F. Cooper, M. Hauskrecht, "Obtaining well calibrated probabilities using Bayesian
binning", AAAI (2015); for bins of equal mass J. Nixon et al., "Measuring calibration in deep learning", CVPR
Workshops (2019).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfsame.errors import InputError

ROUNDING = 1e-5
"""How far a row of posteriors may be from 1: float32 networks add up so well."""


@dataclass(frozen=True)
class ReliabilityPoints:
    """A reliability diagram: in each bin what was claimed and what came true.

    Attributes:
        confidence: (bins,) mean posterior of the class named, rising.
        accuracy: (bins,) share named rightly.
        count: (bins,) how many presentations; no bin is empty.
    """

    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    count: NDArray[np.int64]


def log_loss(posteriors: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    """Compute the mean of -ln of the posterior given to the true class, in nats; inf where one is 0.

    Args:
        posteriors: (n, classes), rows that add up to 1.
        truth: (n,) column of the true class.
    """
    _refuse(posteriors, truth)
    with np.errstate(divide="ignore"):
        return float(-np.log(posteriors[np.arange(len(truth)), truth]).mean())


def brier_score(posteriors: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    """Compute the mean squared distance of the posteriors from certainty of the truth, from 0 to 2.

    Brier's own definition sums over all classes; for two classes it is twice what is often given.

    Args:
        posteriors: (n, classes), rows that add up to 1.
        truth: (n,) column of the true class.
    """
    _refuse(posteriors, truth)
    certain = np.zeros_like(posteriors)
    certain[np.arange(len(truth)), truth] = 1.0
    return float(((posteriors - certain) ** 2).sum(axis=1).mean())


def reliability_points(
    posteriors: NDArray[np.float64], truth: NDArray[np.int64], bins: int
) -> ReliabilityPoints:
    """Sort the presentations by the posterior of the class named into bins of about equal mass.

    Equal posteriors share a bin (that of their middle place), so order does not matter; bins may be fewer
    then.

    Args:
        posteriors: (n, classes), rows that add up to 1.
        truth: (n,) column of the true class.
        bins: how many bins, at least 1.
    """
    _refuse(posteriors, truth)
    if bins < 1:
        raise InputError(f"expected at least one bin, got {bins}")
    named = posteriors.argmax(axis=1)
    claimed, right = posteriors.max(axis=1), named == truth
    _, levels, counts = np.unique(claimed, return_inverse=True, return_counts=True)
    middles = (np.cumsum(counts) - counts / 2) / len(truth)
    _, places = np.unique((middles * bins).astype(np.int64)[levels], return_inverse=True)
    count = np.bincount(places)
    return ReliabilityPoints(
        confidence=np.bincount(places, weights=claimed) / count,
        accuracy=np.bincount(places, weights=right) / count,
        count=count,
    )


def expected_calibration_error(posteriors: NDArray[np.float64], truth: NDArray[np.int64], bins: int) -> float:
    """Compute the mean distance of accuracy from confidence over bins of equal mass, from 0 to 1.

    It leans upwards with few presentations a bin: compare only equal numbers of presentations and bins.
    """
    points = reliability_points(posteriors, truth, bins)
    gaps = np.abs(points.accuracy - points.confidence)
    return float(np.average(gaps, weights=points.count))


def _refuse(posteriors: NDArray[np.float64], truth: NDArray[np.int64]) -> None:
    if posteriors.ndim != 2 or len(posteriors) != len(truth) or not len(truth):
        raise ValueError(
            f"expected (n, classes) posteriors and (n,) classes, got {posteriors.shape} and {truth.shape}"
        )
    if not (posteriors >= 0).all() or np.abs(posteriors.sum(axis=1) - 1.0).max() > ROUNDING:
        raise ValueError("expected posteriors of at least 0 that add up to 1 in every row")
    if truth.min() < 0 or truth.max() >= posteriors.shape[1]:
        raise ValueError(
            f"expected true classes from 0 to {posteriors.shape[1] - 1}, got {truth.min()} to {truth.max()}"
        )
