from itertools import pairwise

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from selfsame.errors import InputError
from selfsame.metrics.reliability import (
    brier_score,
    expected_calibration_error,
    log_loss,
    reliability_points,
)


def posteriors(seed, size=50, classes=4):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(classes), size), rng.integers(0, classes, size)


@given(st.integers(0, 2**32 - 1), st.integers(2, 6))
@settings(max_examples=30, deadline=None)
def test_log_loss_and_brier_score_agree_with_scikit_learn(seed, classes):
    claimed, truth = posteriors(seed, classes=classes)
    expected = sklearn.metrics.log_loss(truth, claimed, labels=np.arange(classes))
    assert log_loss(claimed, truth) == pytest.approx(expected, abs=1e-9)
    certain = np.eye(classes)[truth]
    each = sum(sklearn.metrics.brier_score_loss(certain[:, i], claimed[:, i]) for i in range(classes))
    assert brier_score(claimed, truth) == pytest.approx(each, abs=1e-9)


def test_calibration_error_by_hand():
    """Halves: claims 0.5 and 0.6, one right; claims 0.8 and 0.9, both right: gaps 0.05 and 0.15."""
    claimed = np.array([[0.6, 0.4], [0.5, 0.5], [0.1, 0.9], [0.2, 0.8]])
    truth = np.array([0, 1, 1, 1])
    points = reliability_points(claimed, truth, 2)
    np.testing.assert_allclose(points.confidence, [0.55, 0.85])
    np.testing.assert_allclose(points.accuracy, [0.5, 1])
    assert points.count.tolist() == [2, 2]
    assert expected_calibration_error(claimed, truth, 2) == pytest.approx((0.05 + 0.15) / 2)
    assert expected_calibration_error(claimed, truth, 1) == pytest.approx(0.75 - 0.7)


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
@settings(max_examples=30, deadline=None)
def test_bins_are_of_equal_mass_where_nothing_ties_and_average_to_the_whole(seed, bins):
    claimed, truth = posteriors(seed)
    points = reliability_points(claimed, truth, bins)
    assert points.count.max() - points.count.min() <= 1
    assert len(points.count) == bins
    assert np.average(points.accuracy, weights=points.count) == pytest.approx(
        np.mean(claimed.argmax(axis=1) == truth)
    )
    slow = np.sort(claimed.max(axis=1))
    cuts = np.concatenate([[0], np.cumsum(points.count)])
    expected = [slow[a:b].mean() for a, b in pairwise(cuts)]
    np.testing.assert_allclose(points.confidence, expected, atol=1e-12)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_order_changes_nothing_even_with_ties(seed):
    claimed, truth = posteriors(seed)
    claimed = np.array([[0.5, 0.3, 0.2, 0.0], [0.7, 0.3, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0]])[truth % 3]
    order = np.random.default_rng(seed).permutation(50)
    for measure in (log_loss, brier_score):
        with np.errstate(divide="ignore"):
            assert measure(claimed[order], truth[order]) == pytest.approx(measure(claimed, truth))
    error = expected_calibration_error(claimed, truth, 5)
    assert expected_calibration_error(claimed[order], truth[order], 5) == pytest.approx(error)
    assert 0 <= error <= 1


def test_calibrated_posteriors_have_almost_no_error_and_boastful_ones_have():
    rng = np.random.default_rng(0)
    claimed = rng.dirichlet(np.ones(3), 20_000)
    truth = (rng.random(20_000)[:, None] > np.cumsum(claimed, axis=1)).sum(axis=1)
    boastful = claimed**3 / (claimed**3).sum(axis=1, keepdims=True)
    assert expected_calibration_error(claimed, truth, 15) < 0.015
    assert expected_calibration_error(boastful, truth, 15) > 0.1
    assert log_loss(claimed, truth) < log_loss(boastful, truth)
    assert brier_score(claimed, truth) < brier_score(boastful, truth)


def test_certainty_costs_nothing_where_right_and_everything_where_wrong():
    certain = np.eye(3)
    assert (log_loss(certain, np.arange(3)), brier_score(certain, np.arange(3))) == (0, 0)
    assert log_loss(certain, np.array([1, 1, 2])) == np.inf
    assert brier_score(certain, np.array([1, 2, 0])) == 2


@pytest.mark.parametrize(
    ("claimed", "truth", "message"),
    [
        (np.full((2, 2), 0.5), np.zeros(3, dtype=int), "got \\(2, 2\\) and \\(3,\\)"),
        (np.full((2, 2), 0.6), np.zeros(2, dtype=int), "add up to 1"),
        (np.array([[1.5, -0.5]]), np.zeros(1, dtype=int), "at least 0"),
        (np.array([[0.5, np.nan]]), np.zeros(1, dtype=int), "at least 0"),
        (np.full((2, 2), 0.5), np.array([0, 2]), "from 0 to 1, got 0 to 2"),
    ],
)
def test_what_are_no_posteriors_is_refused(claimed, truth, message):
    with pytest.raises(ValueError, match=message):
        log_loss(claimed, truth)


def test_no_bin_is_refused():
    with pytest.raises(InputError, match="at least one bin, got 0"):
        reliability_points(np.eye(2), np.arange(2), 0)
