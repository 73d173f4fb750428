"""The dual form against a slow computation over the weights themselves."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression

from selfsame.learning.estimators.bayes import PcaBayesEstimator
from selfsame.learning.estimators.laplace import average_posterior, find_most_probable, fit_posterior

RNG = np.random.default_rng(4)
N, DIMENSIONS, CLASSES, VARIANCE = 14, 3, 3, 2.5
CODES = RNG.integers(0, CLASSES, N)
ROWS = RNG.normal(size=(N, DIMENSIONS)) + CODES[:, None]
NEW = RNG.normal(size=(5, DIMENSIONS))


def weigh(flat):
    values = ROWS @ flat.reshape(DIMENSIONS, CLASSES)
    return flat @ flat / (2 * VARIANCE) - log_softmax(values, axis=1)[np.arange(N), CODES].sum()


def slow_hessian(weights):
    """The Hessian over all weights, picture by picture."""
    hessian = np.eye(weights.size) / VARIANCE
    for row in ROWS:
        p = softmax(row @ weights)
        hessian += np.kron(np.outer(row, row), np.diag(p) - np.outer(p, p))
    return hessian


def test_most_probable_weights_are_those_of_a_search_without_gradients():
    slow = minimize(
        weigh, np.zeros(DIMENSIONS * CLASSES), method="Powell", options={"xtol": 1e-8, "ftol": 1e-14}
    )
    fast = find_most_probable(ROWS, CODES, CLASSES, VARIANCE)
    np.testing.assert_allclose(fast.ravel(), slow.x, atol=1e-3)


def test_most_probable_weights_are_those_of_scikit_learn():
    theirs = LogisticRegression(C=VARIANCE, fit_intercept=False, tol=1e-10, max_iter=5000).fit(ROWS, CODES)
    fast = find_most_probable(ROWS, CODES, CLASSES, VARIANCE)
    np.testing.assert_allclose(fast, theirs.coef_.T, atol=1e-3)


def test_covariance_of_values_is_that_of_the_full_hessian_over_the_weights():
    posterior = fit_posterior(ROWS, CODES, CLASSES, VARIANCE)
    mean, covariance = posterior.predict_values(NEW)
    inverse = np.linalg.inv(slow_hessian(posterior.weights))
    for row, found_mean, found in zip(NEW, mean, covariance, strict=True):
        jacobian = np.kron(row[None], np.eye(CLASSES))
        np.testing.assert_allclose(found, jacobian @ inverse @ jacobian.T, atol=1e-6)
        np.testing.assert_allclose(found_mean, row @ posterior.weights)


def test_average_is_that_of_many_draws_of_the_weights():
    posterior = fit_posterior(ROWS, CODES, CLASSES, VARIANCE)
    inverse = np.linalg.inv(slow_hessian(posterior.weights))
    drawn = RNG.multivariate_normal(posterior.weights.ravel(), inverse, 40_000)
    slow = softmax(np.einsum("md,sdc->smc", NEW, drawn.reshape(-1, DIMENSIONS, CLASSES)), axis=2).mean(axis=0)
    fast = average_posterior(*posterior.predict_values(NEW), 1.0, 20_000, 1)
    np.testing.assert_allclose(fast, slow, atol=0.01)  # 40,000 draws: a standard error of 0.002


def test_a_cold_posterior_is_that_of_the_most_probable_weights():
    posterior = fit_posterior(ROWS, CODES, CLASSES, VARIANCE)
    cold = average_posterior(*posterior.predict_values(NEW), 1e-12, 10, 1)
    np.testing.assert_allclose(cold, softmax(NEW @ posterior.weights, axis=1), atol=1e-5)


def test_averaging_makes_the_posterior_less_certain():
    values = fit_posterior(ROWS, CODES, CLASSES, VARIANCE).predict_values(3 * NEW)
    cold, warm = (average_posterior(*values, temperature, 500, 1) for temperature in (1e-9, 1.0))
    assert warm.max(axis=1).mean() < cold.max(axis=1).mean()


def test_candidates_are_chosen_by_held_out_log_loss(faces, bayes):
    images, captures = faces
    estimator = PcaBayesEstimator(bayes.model_copy(update={"prior_variances": (1e-6, 100.0)}), 1)
    estimator.fit(images, list(captures["subject_id"]))
    assert estimator.chosen is not None
    assert estimator.chosen[0] == 100.0  # so narrow a prior as 1e-6 leaves all people alike


@pytest.mark.parametrize("temperature", [0.01, 1.0])
def test_a_single_candidate_is_taken_as_it_is(faces, bayes, temperature):
    settings = bayes.model_copy(update={"prior_variances": (7.0,), "temperatures": (temperature,)})
    estimator = PcaBayesEstimator(settings, 1)
    estimator.fit(faces[0], list(faces[1]["subject_id"]))
    assert estimator.chosen == (7.0, temperature)
