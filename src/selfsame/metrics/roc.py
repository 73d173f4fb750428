"""The curves to draw: ROC, DET, and the area under the ROC.

Source: ISO/IEC 19795-1 for the rates; A. Martin, G. Doddington, T. Kamm, M. Ordowski, M. Przybocki, "The DET
curve in assessment of detection task performance", Eurospeech (1997); J. A. Hanley, B. J. McNeil, "The
meaning and use of the area under a receiver operating characteristic (ROC) curve", Radiology 143 (1982).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from selfsame.metrics.comparisons import Comparisons
from selfsame.metrics.verification import error_curve, full_curve


@dataclass(frozen=True)
class RocPoints:
    """The error rates at every threshold that makes a difference, from accept all to reject all.

    Attributes:
        thresholds: (n,) rising; the distinct scores, then inf.
        fmr: (n,) share of non-mated comparisons at or above the threshold, falling.
        fnmr: (n,) share of mated comparisons below it, rising.
    """

    thresholds: NDArray[np.float64]
    fmr: NDArray[np.float64]
    fnmr: NDArray[np.float64]

    @property
    def match_rate(self) -> NDArray[np.float64]:
        """(n,) share of mated comparisons accepted, 1 - FNMR: the height of the ROC."""
        return 1.0 - self.fnmr

    def deviates(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """FMR and FNMR on the axes of a DET: normal deviates, -inf at a rate of 0 and inf at 1.

        Normal distributed scores give a straight line.
        """
        return ndtri(np.clip(self.fmr, 0.0, 1.0)), ndtri(np.clip(self.fnmr, 0.0, 1.0))


def roc_points(comparisons: Comparisons) -> RocPoints:
    """Compute the points of ROC and DET, one per distinct score and the one that rejects all."""
    curve = full_curve(comparisons)
    levels = np.append(np.unique(comparisons.scores), np.inf)
    return RocPoints(levels, np.maximum(curve.fmr, 0.0), curve.fnmr)


def area_under_curve(comparisons: Comparisons) -> float:
    """Compute the AUC: how probably a mated score is above a non-mated one, ties counting half.

    Its interval is `rate_interval` of `selfsame.metrics.verification.resample_areas`.

    >>> probes, references = np.array(list("abab")), np.array(list("abba"))
    >>> comparisons = Comparisons(np.array([3.0, 1.0, 2.0, 1.0]), probes, references)
    >>> area_under_curve(comparisons)  # 3 is above 2 and 1; 1 is below 2 and ties with 1
    0.625
    """
    return float(error_curve(comparisons).area())
