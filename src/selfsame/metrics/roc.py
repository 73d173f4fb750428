"""The curves to draw, ROC and DET, and intervals of what is read off them: the area and the EER.

Source: ISO/IEC 19795-1 for the rates; A. Martin, G. Doddington, T. Kamm, M. Ordowski, M. Przybocki, "The DET
curve in assessment of detection task performance", Eurospeech (1997); J. A. Hanley, B. J. McNeil, "The
meaning and use of the area under a receiver operating characteristic (ROC) curve", Radiology 143 (1982).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from selfsame.metrics.comparisons import Comparisons
from selfsame.metrics.intervals import FEW, RULE_OF_THREE, exact_interval
from selfsame.metrics.verification import ROUNDING, error_curve, full_curve

UNEQUAL = 0.7
"""By simulation (benchmarks/bootstrap.py): 1 covers 90 % where few are hard to match, 0.5 more than 97 %."""


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

    Its interval is `area_interval`, from the areas of `selfsame.metrics.verification.resample_curves`.

    >>> probes, references = np.array(list("abab")), np.array(list("abba"))
    >>> comparisons = Comparisons(np.array([3.0, 1.0, 2.0, 1.0]), probes, references)
    >>> area_under_curve(comparisons)  # 3 is above 2 and 1; 1 is below 2 and ties with 1
    0.625
    """
    return float(error_curve(comparisons).area())


def area_interval(comparisons: Comparisons, resampled: NDArray[np.float64]) -> tuple[float, float]:
    """Bound the AUC by how much its resamples vary.

    What an AUC lacks to 1 comes from the few subjects who are hard to match, so its variance has no more
    degrees of freedom than those: UNEQUAL * (1 - AUC)^2 / variance, as many as would vary so if each lacked
    the same, less because they do not. An AUC of 1 is bounded by 1 - 3 / subjects: one more subject might
    match nothing.

    Args:
        comparisons: what was compared.
        resampled: (resamples,) AUC from `resample_curves`; NaN is left out.
    """
    area, subjects = area_under_curve(comparisons), comparisons.mated_subjects
    usable = resampled[np.isfinite(resampled)]
    if subjects < 2 or len(usable) < 2:
        return 0.0, 1.0
    variance = float(usable.var(ddof=1)) * subjects / (subjects - 1)
    lacking = min(area, 1.0 - area) ** 2 / variance if variance > 0 else np.inf
    return exact_interval(
        area,
        variance,
        float(np.clip(UNEQUAL * lacking, 1.0, subjects - 1)),
        margin=RULE_OF_THREE / subjects,
        few_hits=False,
        few_misses=False,
    )


def equal_error_interval(comparisons: Comparisons, resampled: NDArray[np.float64]) -> tuple[float, float]:
    """Bound the EER by how much its resamples vary, never below 3 / subjects where at most three err there.

    Where no mated comparison fails the EER need not be 0: a non-mated score above the lowest mated one is
    enough. So it is the subjects with an error at its threshold that count, not whether resamples come to 0.

    Args:
        comparisons: what was compared.
        resampled: (resamples,) EER from `selfsame.metrics.verification.resample_curves`; NaN is left out.
    """
    eer, subjects = float(error_curve(comparisons).equal_error_rate()), comparisons.mated_subjects
    usable = resampled[np.isfinite(resampled)]
    if subjects < 2 or len(usable) < 2:
        return 0.0, 1.0
    lowest = np.argsort(comparisons.scores[comparisons.mated], kind="stable")
    whose = comparisons.probe_codes[comparisons.mated][lowest]
    errors = int(eer * len(whose) + ROUNDING)
    return exact_interval(
        eer,
        float(usable.var(ddof=1)) * subjects / (subjects - 1),
        subjects - 1,
        margin=RULE_OF_THREE / subjects,
        few_hits=len(np.unique(whose[:errors])) <= FEW,
        few_misses=len(np.unique(whose[errors:])) <= FEW,
    )
