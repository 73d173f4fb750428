"""Bayesian multinomial logistic regression: a Gaussian posterior over all weights (Laplace's approximation).

Weights of each class have the prior N(0, v I). With fewer pictures than weights everything is computed in the
dual, over the values f = X W at the training rows: with the kernel K = v X X' the approximation is exactly
that of the weights with their full Hessian, at the cost of classes times n^3 (C. E. Rasmussen, C. K. I.
Williams, Gaussian Processes for Machine Learning, 2006, section 3.5, algorithms 3.3 and 3.4; D. J. C. MacKay,
The evidence framework applied to classification networks, 1992).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

Float = NDArray[np.float64]

ITERATIONS = 2000
TOLERANCE = 1e-5
JITTER = 1e-9
"""Added to a covariance's diagonal, relative to the prior's, so that rounding leaves it positive."""

CHUNK = 64
"""Rows predicted at a time: memory is rows x draws x classes."""


@dataclass(frozen=True)
class Posterior:
    """The Gaussian posterior of the weights, in the form that predictions need.

    Attributes:
        rows: (n, d) the training rows X.
        prior_variance: v.
        weights: (d, classes) its mean, which is the most probable weights.
        inner: (classes, n, n) for each class (K + D^-1)^-1, D the diagonal of its probabilities.
        outer: (n, n) lower Cholesky factor of their sum.
    """

    rows: Float
    prior_variance: float
    weights: Float
    inner: Float
    outer: Float

    def predict_values(self, rows: Float) -> tuple[Float, Float]:
        """Find the Gaussian of the values f of new rows, (m, d).

        Returns:
            (m, classes) means and (m, classes, classes) covariances.
        """
        n = len(self.rows)
        kernel = self.prior_variance * rows @ self.rows.T
        prior = self.prior_variance * (rows**2).sum(axis=1)
        projected = np.stack([kernel @ inner for inner in self.inner], axis=1)
        shared = solve_triangular(self.outer, projected.reshape(-1, n).T, lower=True)
        shared = shared.T.reshape(projected.shape)
        covariance = shared @ shared.transpose(0, 2, 1)
        own = np.einsum("mcn,mn->mc", projected, kernel)
        classes = np.arange(self.weights.shape[1])
        covariance[:, classes, classes] += prior[:, None] - own
        return rows @ self.weights, covariance


def fit_posterior(rows: Float, codes: NDArray[np.int64], classes: int, prior_variance: float) -> Posterior:
    """Find the most probable weights, and the curvature of the posterior there.

    Args:
        rows: (n, d) training rows.
        codes: (n,) the class of each.
        classes: how many there are.
        prior_variance: of each weight.
    """
    weights = find_most_probable(rows, codes, classes, prior_variance)
    probability = softmax(rows @ weights, axis=1)
    kernel = prior_variance * rows @ rows.T
    identity = np.eye(len(rows))
    inner = np.empty((classes, len(rows), len(rows)))
    for c in range(classes):
        root = np.sqrt(probability[:, c])
        factor = np.linalg.cholesky(identity + root[:, None] * kernel * root)
        half = solve_triangular(factor, np.diag(root), lower=True)
        inner[c] = half.T @ half
    # The sum is singular where all pictures are certain; the jitter keeps it invertible.
    total = inner.sum(axis=0)
    outer = np.linalg.cholesky(total + JITTER * np.trace(total) / len(rows) * identity)
    return Posterior(rows, prior_variance, weights, inner, outer)


def find_most_probable(rows: Float, codes: NDArray[np.int64], classes: int, prior_variance: float) -> Float:
    """Maximise log likelihood plus log prior, a concave function: (d, classes) weights, by L-BFGS."""
    target = np.eye(classes)[codes]
    shape = (rows.shape[1], classes)

    def descend(flat: Float) -> tuple[float, Float]:
        weights = flat.reshape(shape)
        values = rows @ weights
        total = logsumexp(values, axis=1)
        probability = np.exp(values - total[:, None])
        loss = 0.5 / prior_variance * flat @ flat - (target * values).sum() + total.sum()
        gradient = weights / prior_variance - rows.T @ (target - probability)
        return float(loss), gradient.ravel()

    options = {"maxiter": ITERATIONS, "maxfun": 2 * ITERATIONS, "gtol": TOLERANCE, "ftol": 1e-12}
    found = minimize(descend, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x).reshape(shape)


def average_posterior(mean: Float, covariance: Float, temperature: float, draws: int, seed: int) -> Float:
    """Average the softmax over Gaussian values: E[softmax(f)], f ~ N(mean, temperature x covariance).

    Args:
        mean: (m, classes).
        covariance: (m, classes, classes).
        temperature: factor of the covariance; 1 is Bayes' posterior, less a cold one.
        draws: pairs of opposite draws, the same ones for every row.
        seed: of the draws.

    Returns:
        (m, classes) probabilities.
    """
    m, classes = mean.shape
    normal = np.random.default_rng(seed).standard_normal((draws, classes))
    normal = np.concatenate([normal, -normal])
    scale = np.einsum("mcc->mc", covariance).mean(axis=1)[:, None, None]
    root = np.linalg.cholesky(covariance + JITTER * scale * np.eye(classes)) * np.sqrt(temperature)
    average = np.empty_like(mean)
    for start in range(0, m, CHUNK):
        part = slice(start, start + CHUNK)
        average[part] = softmax(mean[part, None] + normal @ root[part].transpose(0, 2, 1), axis=2).mean(
            axis=1
        )
    return average
