"""Logistic regression whose slopes are known to within a factor: the one solver of calibration and fusion.

The slopes are a reference times exp(deviation), so they stay above 0 and the fitted score keeps the order
of the scores it is made of. A normal prior on the deviation keeps the fit close to the reference where the
data say little, and keeps it finite where mated and non-mated scores do not overlap at all.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

Floats = NDArray[np.float64]

MAX_STEPS = 200
DECREMENT = 1e-12
"""Stop when a step promises to lower the penalised loss by less, in nats."""
RIDGE = 1e-9
"""Added to the curvature: a class so far away that float64 sees no loss leaves an offset undetermined."""
MAX_MOVE = 1.0
"""Longest move of a logarithmic slope in one step: beyond it the quadratic model of exp is worthless."""


def fit_log_slopes(
    evidence: Floats, mated: NDArray[np.bool_], *, prior: float, spread: float, offset_spread: float = np.inf
) -> tuple[Floats, float]:
    """Find factors of several pieces of evidence, and an offset, that make their sum an LLR.

    Minimises over deviations d (k,) and offset b, with llr = evidence @ exp(d) + b and N = min(mated,
    non-mated):

        N (prior mean_mated ln(1 + exp(-llr - logit prior)) + (1 - prior) mean_non_mated ln(1 + exp(llr +
        logit prior))) + sum d^2 / (2 spread^2) + b^2 / (2 offset_spread^2)

    The two classes weigh prior and 1 - prior, however many comparisons each holds (N. Brümmer, G. Doddington,
    "Likelihood-ratio calibration using prior-weighted proper scoring rules", Interspeech 2013); N counts the
    rarer class only, because comparisons that share subjects are not independent. Fisher scoring with
    backtracking.

    Args:
        evidence: (n, k) float64, each column a first guess of a log-likelihood ratio.
        mated: (n,) whether both sides are the same subject; both kinds occur.
        prior: probability of a mated comparison where calibration matters most, in (0, 1).
        spread: standard deviation of the deviations, in nats.
        offset_spread: standard deviation of the offset, in nats.

    Returns:
        (k,) factors above 0, and the offset.
    """
    count = evidence.shape[1]
    signs = np.where(mated, 1.0, -1.0)
    counts = np.array([np.count_nonzero(~mated), np.count_nonzero(mated)])
    weights = (counts.min() * np.array([1.0 - prior, prior]) / counts)[mated.astype(np.int64)]
    precision = np.append(np.full(count, spread**-2.0), offset_spread**-2.0)

    def loss(at: Floats) -> tuple[float, Floats]:
        margins = signs * (evidence @ np.exp(at[:count]) + at[count] + logit(prior))
        return float(weights @ np.logaddexp(0.0, -margins) + precision @ at**2 / 2), margins

    at = np.zeros(count + 1)
    value, margins = loss(at)
    for _ in range(MAX_STEPS):
        error = expit(-margins)
        slopes = np.column_stack([evidence * np.exp(at[:count]), np.ones(len(evidence))])
        gradient = precision * at - slopes.T @ (weights * signs * error)
        curvature = (slopes * (weights * error * (1.0 - error))[:, None]).T @ slopes
        step = -np.linalg.solve(curvature + np.diag(precision + RIDGE), gradient)
        step /= max(1.0, np.abs(step[:count]).max(initial=0.0) / MAX_MOVE)
        promise = -float(gradient @ step)
        if promise < DECREMENT:
            break
        share = 1.0
        while (tried := loss(at + share * step))[0] > value - share * promise / 4 and share > RIDGE:
            share /= 2
        if share <= RIDGE:
            break
        at = at + share * step
        value, margins = tried
    return np.exp(at[:count]), float(at[count])
