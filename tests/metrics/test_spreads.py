import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import gmean

from selfsame.metrics.spreads import fairness_discrepancy_rate, gini, measure_spread, ratio, worst_to_mean

RATES = st.lists(st.floats(0.001, 1), min_size=2, max_size=6).map(np.array)


def slow_gini(rates):
    apart = sum(abs(x - y) for x in rates for y in rates)
    n = len(rates)
    return n / (n - 1) * apart / (2 * n**2 * np.mean(rates))


@given(RATES)
@settings(max_examples=50, deadline=None)
def test_spreads_agree_with_slow_formulas(rates):
    found = measure_spread(rates, np.tile(rates[:, None], 4))
    assert found.difference == pytest.approx(max(rates) - min(rates), abs=1e-12)
    assert found.ratio == pytest.approx(max(rates) / min(rates), abs=1e-9)
    assert found.worst_to_mean == pytest.approx(max(rates) / gmean(rates), abs=1e-9)
    assert found.gini == pytest.approx(slow_gini(rates), abs=1e-9)
    assert -1e-9 <= found.gini <= 1 + 1e-9


@given(RATES, st.integers(0, 2**32 - 1), st.floats(0.1, 1))
@settings(max_examples=50, deadline=None)
def test_order_of_groups_and_scale_change_no_relative_spread(rates, seed, scale):
    other = np.random.default_rng(seed).permutation(rates) * scale
    for figure in (ratio, worst_to_mean, gini):
        assert figure(other) == pytest.approx(figure(rates), rel=1e-9, abs=1e-9)


def test_groups_that_are_alike_do_not_spread():
    found = measure_spread(np.full(3, 0.2), np.full((3, 5), 0.2))
    assert (found.difference, found.ratio, found.gini) == (0, 1, 0)
    assert found.worst_to_mean == pytest.approx(1)
    assert fairness_discrepancy_rate(np.full(3, 0.2), np.full(3, 0.1)) == 1


def test_ratio_to_a_group_without_errors_is_infinite_and_of_none_no_number():
    assert ratio(np.array([0.0, 0.1])) == np.inf
    assert worst_to_mean(np.array([0.0, 0.1])) == np.inf
    assert np.isnan(ratio(np.zeros(2)))
    assert np.isnan(worst_to_mean(np.zeros(2)))
    assert gini(np.zeros(2)) == 0
    assert gini(np.array([0.0, 0.5])) == 1


def test_discrepancy_rate_by_hand():
    assert fairness_discrepancy_rate(np.array([0.01, 0.03]), np.array([0.1, 0.2])) == pytest.approx(
        1 - (0.02 + 0.1) / 2
    )


def test_intervals_come_from_the_resamples():
    rng = np.random.default_rng(0)
    resampled = np.stack([rng.normal(0.1, 0.01, 2000), rng.normal(0.3, 0.01, 2000)])
    low, high = measure_spread(np.array([0.1, 0.3]), resampled).difference_interval
    assert (low, high) == pytest.approx((0.2 - 1.96 * 0.0141, 0.2 + 1.96 * 0.0141), abs=0.004)
