"""Logistic regression whose slopes are known to within a factor: the one solver of calibration and fusion.

The slopes are a reference times exp(deviation), so they stay above 0 and the fitted score keeps the order
of the scores it is made of. A normal prior on the deviation keeps the fit close to the reference where the
data say little, and keeps it finite where mated and non-mated scores do not overlap at all.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

MAX_STEPS = 200
DECREMENT = 1e-12
"""Stop when a step promises to lower the penalised loss by less, in nats."""
RIDGE = 1e-9
"""Added to the curvature: a class so far away that float64 sees no loss leaves an offset undetermined."""
MAX_MOVE = 1.0
"""Longest move of a logarithmic slope in one step: beyond it the quadratic model of exp is worthless."""


def fit_log_slopes(
    evidence: Floats,
    mated: Flags,
    *,
    prior: float,
    spread: float,
    offset_spread: float = np.inf,
    offsets: Floats | None = None,
    strata: NDArray[np.int64] | None = None,
) -> tuple[Floats, Floats]:
    """Find factors of several pieces of evidence, and offsets, that make their sum an LLR.

    Minimises over deviations d (k,) and offsets b (l,), with llr = evidence @ exp(d) + offsets @ b and
    N = min(mated, non-mated):

        N (prior mean_mated ln(1 + exp(-llr - logit prior))
           + (1 - prior) mean_non_mated ln(1 + exp(llr + logit prior)))
        + sum d^2 / (2 spread^2) + sum b^2 / (2 offset_spread^2)

    The two classes weigh prior and 1 - prior, however many comparisons each holds (N. Brümmer, G. Doddington,
    "Likelihood-ratio calibration using prior-weighted proper scoring rules", Interspeech 2013); N counts the
    rarer class only, because comparisons that share subjects are not independent. Fisher scoring with
    backtracking.

    Args:
        evidence: (n, k) float64, each column a first guess of a log-likelihood ratio.
        mated: (n,) whether both sides are the same subject; both kinds occur.
        prior: probability of a mated comparison where calibration matters most, in (0, 1).
        spread: standard deviation of the deviations, in nats.
        offset_spread: standard deviation of the offsets, in nats.
        offsets: (n, l) float64, what the offsets are multiplied with; None is one offset for all.
        strata: (n,) from 0; the non-mated are weighted to be spread over the strata as the mated are, so that
            the stratum is not evidence by itself. None is one stratum.

    Returns:
        (k,) factors above 0, and (l,) offsets.
    """
    shifts = np.ones((len(evidence), 1)) if offsets is None else offsets
    weights = _balance(mated, prior, np.zeros(len(mated), dtype=np.int64) if strata is None else strata)
    precision = np.repeat([spread**-2.0, offset_spread**-2.0], [evidence.shape[1], shifts.shape[1]])
    signs = np.where(mated, 1.0, -1.0)
    return _Problem(evidence, shifts, signs, weights, precision, float(logit(prior))).solve()


@dataclass(frozen=True)
class _Problem:
    evidence: Floats
    shifts: Floats
    signs: Floats
    weights: Floats
    precision: Floats
    bias: float

    def solve(self) -> tuple[Floats, Floats]:
        count = self.evidence.shape[1]
        at = np.zeros(len(self.precision))
        value, margins = self.loss(at)
        for _ in range(MAX_STEPS):
            step, promise = self.step(at, margins)
            step /= max(1.0, np.abs(step[:count]).max(initial=0.0) / MAX_MOVE)
            share = 1.0
            while promise >= DECREMENT and share > RIDGE:
                tried, there = self.loss(at + share * step)
                if tried < value:
                    break
                share /= 2
            else:
                break
            at, value, margins = at + share * step, tried, there
        return np.exp(at[:count]), at[count:]

    def loss(self, at: Floats) -> tuple[float, Floats]:
        """Compute the penalised loss, and by how much each comparison lies on its own side."""
        count = self.evidence.shape[1]
        margins = self.signs * (self.evidence @ np.exp(at[:count]) + self.shifts @ at[count:] + self.bias)
        return float(self.weights @ np.logaddexp(0.0, -margins) + self.precision @ at**2 / 2), margins

    def step(self, at: Floats, margins: Floats) -> tuple[Floats, float]:
        """Compute a step of Fisher scoring: where to, and how far the loss should fall."""
        slopes = np.column_stack([self.evidence * np.exp(at[: self.evidence.shape[1]]), self.shifts])
        error = expit(-margins)
        gradient = self.precision * at - slopes.T @ (self.weights * self.signs * error)
        curvature = (slopes * (self.weights * error * (1.0 - error))[:, None]).T @ slopes
        step: Floats = -np.linalg.solve(curvature + np.diag(self.precision + RIDGE), gradient)
        return step, -float(gradient @ step)


def _balance(mated: Flags, prior: float, strata: NDArray[np.int64]) -> Floats:
    """Weigh mated N prior / mated and non-mated N (1 - prior) / non-mated times what the strata ask for.

    A stratum without comparisons of one kind weighs nothing.
    """
    total = min(np.count_nonzero(mated), np.count_nonzero(~mated))
    own = np.bincount(strata[mated], minlength=strata.max() + 1)
    others = np.bincount(strata[~mated], minlength=len(own))
    share = own * (others > 0) / max(int(own[others > 0].sum()), 1)
    each = np.where(mated, prior / np.maximum(own, 1)[strata], (1.0 - prior) / np.maximum(others, 1)[strata])
    weights: Floats = total * share[strata] * each
    return weights
