import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, bootstrap, norm

from selfsame.metrics.comparisons import Comparisons
from selfsame.metrics.intervals import (
    bias_corrected_interval,
    draw_multiplicities,
    rate_interval,
    resample_rate,
)
from selfsame.metrics.verification import ErrorCurve, read_fnmr, resample_curves


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


def test_interval_by_hand():
    """Standard error 0.05 at 0.1 is worth 36 trials; 41 subjects lessen them by (1.960 / 2.021)^2 to 33.0."""
    resampled = 0.1 + 0.05 * np.sqrt(40 / 41) * np.sqrt(999 / 1000) * np.resize([-1.0, 1.0], 1000)
    trials = 36 * (1.959964 / 2.021075) ** 2
    low, high = rate_interval(0.1, resampled, 41)
    assert low == pytest.approx(beta.ppf(0.025, 0.1 * trials, 0.9 * trials + 1), abs=1e-6)
    assert high == pytest.approx(beta.ppf(0.975, 0.1 * trials + 1, 0.9 * trials), abs=1e-6)


def test_resamples_that_are_no_numbers_are_left_out():
    resampled = np.array([0.3, 0.5, 0.4, 0.45])
    assert rate_interval(0.4, np.append(resampled, [np.nan, np.nan]), 9) == rate_interval(0.4, resampled, 9)
    assert rate_interval(0.5, np.array([np.nan]), 3) == (0.0, 1.0)


def test_rate_that_never_varies_counts_every_subject_as_one_trial():
    low, high = rate_interval(0.5, np.full(10, 0.5), 1_000_000)
    assert (low, high) == pytest.approx((0.5 - 1.96 / 2000, 0.5 + 1.96 / 2000), abs=1e-5)


def test_one_error_never_gives_a_lower_bound_than_none():
    """One of 100 subjects errs once in 10 trials: percentiles end at 0.003, no error at all at 0.03."""
    hits, owners = np.zeros(1000), np.repeat(np.arange(100), 10)
    hits[7] = 1.0
    resampled = resample_rate(hits, owners, draw_multiplicities(100, 1000, np.random.default_rng(0)))
    assert np.quantile(resampled, 0.975) < 0.005
    assert rate_interval(0.001, resampled, 100)[1] >= 0.03
    assert rate_interval(0.999, 1 - resampled, 100)[0] <= 0.97


@given(st.floats(1e-6, 1 - 1e-6), st.floats(1e-12, 0.5), st.integers(2, 10_000))
def test_interval_holds_the_rate_lies_within_0_and_1_and_mirrors(rate, spread, subjects):
    resampled = np.clip(rate + spread * np.array([-1.0, 1.0, 0.5, -0.5]), 0, 1)
    low, high = rate_interval(rate, resampled, subjects)
    assert 0 <= low <= rate <= high <= 1
    mirrored = rate_interval(1 - rate, 1 - resampled, subjects)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-6)


@given(st.floats(0.01, 0.99), st.integers(3, 500))
def test_interval_narrows_as_the_resamples_do(rate, subjects):
    widths = []
    for spread in (0.2, 0.1, 0.01):
        resampled = rate + spread * min(rate, 1 - rate) * np.linspace(-1, 1, 50)
        low, high = rate_interval(rate, resampled, subjects)
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)


def test_bias_corrected_interval_of_unbiased_resamples_is_the_middle_95_per_cent():
    interval = bias_corrected_interval(0.5, np.linspace(0, 1, 10_001))
    assert interval == pytest.approx((0.025, 0.975), abs=2e-4)


def test_bias_corrected_interval_agrees_with_scipy():
    rng = np.random.default_rng(3)
    values = rng.lognormal(size=30)
    found = bootstrap((values,), np.std, method="percentile", n_resamples=4000, rng=rng)
    draws, value = found.bootstrap_distribution, float(np.std(values))
    lean = norm.ppf(np.mean(draws < value))
    expected = np.quantile(draws, norm.cdf(2 * lean + norm.ppf([0.025, 0.975])))
    assert bias_corrected_interval(value, draws) == pytest.approx(expected, rel=0.01)


@given(st.lists(st.floats(-5, 5, width=16), min_size=2, max_size=40), st.floats(-5, 5, width=16))
def test_bias_corrected_interval_goes_along_with_monotone_transforms(values, value):
    draws = np.array(values)
    low, high = bias_corrected_interval(value, draws)
    assert low <= value <= high
    cubed = bias_corrected_interval((value + 9) ** 3, (draws + 9) ** 3)
    assert cubed == pytest.approx(((low + 9) ** 3, (high + 9) ** 3))


def test_figure_without_resamples_is_bounded_by_nothing():
    assert bias_corrected_interval(1.0, np.array([np.nan, np.nan])) == (-np.inf, np.inf)
    assert bias_corrected_interval(float("nan"), np.ones(5)) == (-np.inf, np.inf)


def test_thousand_resamples_of_a_hundred_thousand_scores_take_seconds():
    rng = np.random.default_rng(0)
    subjects = 45
    probe, reference = rng.integers(0, subjects, (2, 100_000))
    comparisons = Comparisons(
        rng.normal(size=100_000), probe.astype(str), reference.astype(str)
    )  # worst: no order
    start = time.process_time()
    reads = (ErrorCurve.equal_error_rate, ErrorCurve.area, read_fnmr(0.01), read_fnmr(0.001))
    resample_curves(comparisons, draw_multiplicities(subjects, 1000, rng), *reads)
    assert time.process_time() - start < 10
