"""Calibration: scores as log-likelihood ratios, ln p(score | mated) - ln p(score | non-mated).

A log-likelihood ratio (LLR) of 0 says nothing either way; those of independent modalities may be added.

Sources: N. Brümmer, J. du Preez, "Application-independent evaluation of speaker detection", Computer Speech
and Language 20 (2006); D. van Leeuwen, N. Brümmer, "An introduction to application-independent evaluation
of speaker recognition systems", Speaker Classification I (2007).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit
from sklearn.isotonic import isotonic_regression

from selfsame.errors import DamagedError, InputError
from selfsame.matching.score_fusion.documents import Documented, Number, Positive
from selfsame.matching.score_fusion.log_slopes import fit_log_slopes
from selfsame.matching.score_fusion.settings import CalibrationKind as Kind

LEAST_SEPARATION = 0.1
"""Distance of the class means, in standard deviations, below which a comparator is taken to have this
much."""


@dataclass(frozen=True)
class LogisticCalibration(Documented):
    """LLR = ln(exp(floor) + exp(slope * score + offset)): a rising line that levels off softly at the floor.

    The floor is what a capture that failed unnoticed (a pupil missed, a smudged print) may cost its
    subject: one failed modality then cannot outvote the others. Order is kept, down to the rounding of
    float64 at the floor.

    Attributes:
        slope: above 0, nats for each unit of score.
        offset: nats.
        floor: nats, ln of the share of mated comparisons that may look non-mated.
    """

    kind: Literal["logistic"]
    slope: Positive
    offset: Number
    floor: Number

    def apply(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """Give the LLR of scores of any shape; NaN stays NaN."""
        line = self.slope * np.asarray(scores, dtype=np.float64) + self.offset
        with np.errstate(invalid="ignore"):  # some builds of numpy warn of NaN here
            return np.logaddexp(self.floor, line)


@dataclass(frozen=True)
class PavCalibration(Documented):
    """LLR by straight lines between knots that rise: never falls, but neighbouring scores may share an LLR.

    Attributes:
        knots: rising scores, two for each flat stretch.
        levels: the LLR at each knot, constant beyond the first and the last.
    """

    kind: Literal["pav"]
    knots: tuple[Number, ...]
    levels: tuple[Number, ...]

    def __post_init__(self) -> None:
        rises = np.all(np.diff(self.knots) > 0) and np.all(np.diff(self.levels) >= 0)
        if not self.knots or len(self.knots) != len(self.levels) or not rises:
            raise DamagedError(
                f"expected knots and levels of one length that rise, got {len(self.knots)} and "
                f"{len(self.levels)}: fit the calibration again"
            )

    def apply(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """Give the LLR of scores of any shape; NaN stays NaN."""
        return np.interp(np.asarray(scores, dtype=np.float64), self.knots, self.levels)


Calibration = LogisticCalibration | PavCalibration


def fit_calibration(
    kind: Kind, scores: NDArray[np.floating], mated: NDArray[np.bool_], *, prior: float, spread: float
) -> Calibration:
    """Learn the LLR of one comparator's scores on training comparisons, by name.

    `pav` has no numbers to tune and ignores prior and spread.

    Raises:
        InputError: no mated or no non-mated score is left, or all are equal.
    """
    if kind == "logistic":
        return fit_logistic(scores, mated, prior=prior, spread=spread)
    return fit_pav(scores, mated)


def fit_logistic(
    scores: NDArray[np.floating], mated: NDArray[np.bool_], *, prior: float, spread: float
) -> LogisticCalibration:
    """Fit a straight line from score to LLR: linear logistic regression with the prior taken out.

    The reference slope is the discriminant's of two normal classes, (difference of the means) / (mean of
    the two variances); logistic regression finds the factor by which it is off, and a normal prior on the
    logarithm of that factor keeps it finite where the classes do not overlap, and above 0 where a
    comparator is useless or worse: its LLR is then nearly 0 throughout. The floor is Laplace's rule for no
    failure seen, ln(1 / (mated + 2)).

    Args:
        scores: (n,) training scores, higher is more alike; NaN is left out.
        mated: (n,) whether both sides are the same subject.
        prior: probability of a mated comparison where calibration matters most, in (0, 1).
        spread: standard deviation of the logarithm of the factor, in nats; 1 is a factor of 2.7 either way.

    Raises:
        InputError: no mated or no non-mated score is left, or all are equal.
    """
    values, same = _present(scores, mated)
    own, others = values[same], values[~same]
    variance = (own.var() + others.var()) / 2
    if not variance > 0:
        variance = (own.mean() - others.mean()) ** 2  # two constants: one standard deviation apart
    if not variance > 0:
        raise InputError(f"expected training scores that vary, got {len(values)} equal ones")
    gap = max(own.mean() - others.mean(), LEAST_SEPARATION * np.sqrt(variance))
    slope, middle = gap / variance, (own.mean() + others.mean()) / 2
    factors, offsets = fit_log_slopes(slope * (values[:, None] - middle), same, prior=prior, spread=spread)
    slope *= factors[0]
    return LogisticCalibration(
        "logistic", float(slope), float(offsets[0] - slope * middle), -float(np.log(len(own) + 2))
    )


def fit_pav(scores: NDArray[np.floating], mated: NDArray[np.bool_]) -> PavCalibration:
    """Fit the best LLR that never falls with the score, by pooling adjacent violators.

    On the scores it was fitted to no other increasing map has a lower Cllr, so it gives the minimal Cllr: a
    bound, not a promise for new scores. Laplace's rule of succession keeps it finite: one mated and one
    non-mated comparison are added below all scores and above all scores (as BOSARIS does, N. Brümmer, E. de
    Villiers, "The BOSARIS toolkit", 2011).

    Args:
        scores: (n,) training scores, higher is more alike; NaN is left out.
        mated: (n,) whether both sides are the same subject.

    Raises:
        InputError: no mated or no non-mated score is left.
    """
    values, same = _present(scores, mated)
    levels, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    shares = np.bincount(place, weights=same) / counts
    padded = np.concatenate([[0.5], shares, [0.5]])
    pooled = isotonic_regression(padded, sample_weight=np.concatenate([[2], counts, [2]]))[1:-1]
    llrs = logit(pooled) - logit(same.mean())
    edges = np.flatnonzero(np.diff(llrs, prepend=-np.inf) + np.diff(llrs, append=np.inf))
    return PavCalibration("pav", tuple(levels[edges].tolist()), tuple(llrs[edges].tolist()))


def _present(
    scores: NDArray[np.floating], mated: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    kept = np.isfinite(scores)
    values, same = np.asarray(scores, dtype=np.float64)[kept], np.asarray(mated, dtype=bool)[kept]
    if same.all() or not same.any():
        raise InputError(
            f"expected mated and non-mated scores, got {int(same.sum())} mated of {len(same)}: "
            "calibration is learnt on training comparisons of both kinds"
        )
    return values, same
