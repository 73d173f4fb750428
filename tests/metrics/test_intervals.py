import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfsame.metrics.comparisons import Comparisons
from selfsame.metrics.intervals import draw_multiplicities, rate_interval, resample_rate
from selfsame.metrics.verification import error_curve, resample_curves


def test_every_resample_holds_as_many_subjects_as_there_are():
    drawn = draw_multiplicities(7, 50, np.random.default_rng(1))
    assert drawn.shape == (7, 50)
    assert (drawn.sum(axis=0) == 7).all()


def test_same_seed_draws_the_same_resamples():
    first, second = (draw_multiplicities(9, 20, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_resampled_rate_by_hand():
    hits = np.array([1.0, 0.0, 1.0, 1.0])
    rates = resample_rate(
        hits, np.array([0, 0, 1, 2]), np.array([[1, 2, 0], [1, 1, 0], [1, 0, 0]]).astype(float)
    )
    np.testing.assert_allclose(rates, [3 / 4, 3 / 5, np.nan])


@given(st.integers(1, 10_000))
def test_no_error_is_bounded_by_the_rule_of_three(subjects):
    assert rate_interval(0.0, np.zeros(10), subjects) == (0.0, min(1.0, 3 / subjects))
    assert rate_interval(1.0, np.ones(10), subjects) == (1.0 - min(1.0, 3 / subjects), 1.0)


def test_interval_is_the_middle_95_per_cent():
    assert rate_interval(0.5, np.linspace(0, 1, 1001), 40) == pytest.approx((0.025, 0.975))


def test_resamples_that_are_no_numbers_are_left_out():
    assert rate_interval(0.5, np.array([np.nan, 0.4, 0.4]), 3) == pytest.approx((0.4, 0.4))
    assert rate_interval(0.5, np.array([np.nan]), 3) == (0.0, 1.0)


def test_interval_of_a_clustered_rate_covers_it_about_as_often_as_it_says():
    rng = np.random.default_rng(11)
    covered = 0
    for _ in range(300):  # 40 subjects whose own rates differ, 5 trials each, 0.8 on average
        own = rng.beta(4, 1, size=40)
        hits = (rng.random((40, 5)) < own[:, None]).astype(float).ravel()
        owners = np.repeat(np.arange(40), 5)
        resampled = resample_rate(hits, owners, draw_multiplicities(40, 300, rng))
        low, high = rate_interval(hits.mean(), resampled, 40)
        covered += low <= 0.8 <= high
    assert 0.89 <= covered / 300 <= 0.985  # 0.95 less the known optimism of percentiles, 2.5 standard errors


def simulate(rng, subjects):
    """Scores where both subjects matter: some people are hard to match, some are easy to be taken for."""
    probe, reference = (side.ravel() for side in np.meshgrid(*2 * [np.arange(subjects)], indexing="ij"))
    goat, wolf = rng.normal(0, 0.7, subjects), rng.normal(0, 0.4, subjects)
    mated = probe == reference
    scores = np.where(mated, 3.0 + goat[probe], wolf[probe] + wolf[reference]) + rng.normal(size=len(probe))
    return Comparisons(scores, probe.astype(str), reference.astype(str))


def test_interval_of_the_equal_error_rate_covers_it_about_as_often_as_it_says():
    rng = np.random.default_rng(2)
    truth = float(error_curve(simulate(rng, 1500)).equal_error_rate())
    covered = 0
    for _ in range(120):
        comparisons = simulate(rng, 40)
        eers, _ = resample_curves(comparisons, draw_multiplicities(40, 200, rng), (0.01,))
        low, high = rate_interval(float(error_curve(comparisons).equal_error_rate()), eers, 40)
        covered += low <= truth <= high
    assert covered / 120 >= 0.86  # 0.95 less optimism of percentiles with few errors, 2.5 standard errors


def test_thousand_resamples_of_a_hundred_thousand_scores_take_seconds():
    rng = np.random.default_rng(0)
    subjects = 45
    probe, reference = rng.integers(0, subjects, (2, 100_000))
    comparisons = Comparisons(
        rng.normal(size=100_000), probe.astype(str), reference.astype(str)
    )  # worst: no order
    start = time.process_time()
    resample_curves(comparisons, draw_multiplicities(subjects, 1000, rng), (0.01, 0.001))
    assert time.process_time() - start < 10
