"""Error versus discard: does throwing away the comparisons of lowest quality lower FNMR?

Sources: P. Grother, E. Tabassi, "Performance of biometric quality measures", IEEE Transactions on Pattern
Analysis and Machine Intelligence 29 (2007); for the partial area M. A. Olsen, V. Šmida, C. Busch, "Finger
image quality assessment features: definitions and evaluation", IET Biometrics 5 (2016).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfsame.errors import InputError


@dataclass(frozen=True)
class DiscardCurve:
    """FNMR of what is left when the mated comparisons of lowest quality are discarded.

    Comparisons of equal quality are discarded in random order, so between the points FNMR is that to be
    expected, (errors left - errors of the group discarded so far) / what is left.

    Attributes:
        discarded: (groups + 1,) share discarded after each group of equal quality, from 0 to 1.
        failed: (groups + 1,) share of all comparisons that fail and are left, from the FNMR to 0.
    """

    discarded: NDArray[np.float64]
    failed: NDArray[np.float64]

    @property
    def fnmr(self) -> NDArray[np.float64]:
        """(groups,) FNMR of what is left at each of `discarded` but the last, where nothing is left."""
        fnmr: NDArray[np.float64] = self.failed[:-1] / (1.0 - self.discarded[:-1])
        return fnmr

    def fnmr_at(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,) FNMR of what is left when these shares, (n,) in [0, 1), are discarded."""
        fnmr: NDArray[np.float64] = np.interp(shares, self.discarded, self.failed) / (1.0 - shares)
        return fnmr

    def area(self, most: float) -> float:
        """Integrate FNMR over the share discarded, from 0 to `most`, exactly.

        In a group of n of all, e of which fail, FNMR is (a - b d) / (1 - d) with b = e / n, whose integral is
        b d - (a - b) ln(1 - d).
        """
        starts, ends = self.discarded[:-1], np.minimum(self.discarded[1:], most)
        widths = self.discarded[1:] - starts
        slope = np.divide(
            self.failed[:-1] - self.failed[1:], widths, out=np.zeros_like(widths), where=widths > 0
        )
        level = self.failed[:-1] + slope * starts
        ends = np.maximum(ends, starts)
        still = np.where(ends > starts, 1.0 - ends, 1.0)
        left = np.where(ends > starts, 1.0 - starts, 1.0)
        rest = np.where(still > 0, level - slope, 0.0)  # the last group ends at 1: all of it has one FNMR
        area = slope * (ends - starts) - rest * np.log(np.where(still > 0, still, 1.0) / left)
        return float(area.sum())


def comparison_quality(
    probe_quality: NDArray[np.float64], reference_quality: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Take the quality of a comparison: the lower of its two sides, (n,) each."""
    return np.minimum(probe_quality, reference_quality)


def error_versus_discard(
    quality: NDArray[np.float64], mated_scores: NDArray[np.float64], threshold: float
) -> DiscardCurve:
    """Compute FNMR against the share of mated comparisons discarded by quality, at one threshold.

    Args:
        quality: (n,) of each mated comparison, higher is better.
        mated_scores: (n,) similarity.
        threshold: a comparison is accepted at or above it.
    """
    failed = _failures(quality, mated_scores, threshold)
    _, groups = np.unique(quality, return_inverse=True)
    gone = np.concatenate([[0], np.cumsum(np.bincount(groups))])
    lost = np.concatenate([[0.0], np.cumsum(np.bincount(groups, weights=failed))])
    return DiscardCurve(discarded=gone / gone[-1], failed=(lost[-1] - lost) / gone[-1])


def excess_area(curve: DiscardCurve, most: float) -> float:
    """Integrate an error-versus-discard curve, and take off what the ideal quality would leave.

    The ideal quality discards first what fails: FNMR f falls to 0 where the share f is discarded.

    Args:
        curve: from `error_versus_discard`.
        most: the largest share discarded, in (0, 1]; 0.2 is usual.

    Returns:
        The area less the ideal one, in [0, most]: 0 is perfect.
    """
    if not 0.0 < most <= 1.0:
        raise InputError(f"expected a largest share to discard above 0 and at most 1, got {most}")
    fnmr = float(curve.failed[0])
    reached = min(fnmr, most)
    ideal = reached + (1.0 - fnmr) * np.log1p(-min(reached, 1.0 - 1e-300))
    return curve.area(most) - float(ideal)


def _failures(
    quality: NDArray[np.float64], mated_scores: NDArray[np.float64], threshold: float
) -> NDArray[np.bool_]:
    if len(quality) != len(mated_scores) or not len(quality):
        raise ValueError(f"expected one quality per score, got {len(quality)} and {len(mated_scores)} scores")
    for name, values in (("qualities", quality), ("scores", mated_scores)):
        unusable = int(np.count_nonzero(np.isnan(values)))
        if unusable:
            raise ValueError(f"expected {name} that are numbers, got {unusable} NaN of {len(values)}")
    return np.asarray(mated_scores < threshold)
