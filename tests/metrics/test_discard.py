from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from selfsame.errors import InputError
from selfsame.metrics.discard import comparison_quality, error_versus_discard, excess_area


def measured(seed, size=40, levels=12):
    rng = np.random.default_rng(seed)
    quality = rng.integers(0, levels, size).astype(float)
    scores = rng.normal(size=size) + 0.1 * quality
    scores[:2] = -5, 5  # one fails, one does not
    return quality, scores


def slow_fnmr(quality, failed, share):
    """Take comparisons away from the lowest quality up, of a tied group the same part of each."""
    weight, gone = np.ones(len(quality)), share * len(quality)
    for level in np.unique(quality):
        group = quality == level
        part = min(1.0, gone / group.sum())
        weight[group] -= part
        gone -= part * group.sum()
    return np.average(failed, weights=weight)


def test_curve_by_hand():
    curve = error_versus_discard(np.array([1.0, 1, 2, 3]), np.array([0.1, 0.9, 0.2, 0.8]), 0.5)
    np.testing.assert_allclose(curve.discarded, [0, 0.5, 0.75, 1])
    np.testing.assert_allclose(curve.fnmr, [1 / 2, 1 / 2, 0])


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.1, 0.2, 0.5, 0.95]))
@settings(max_examples=25, deadline=None)
def test_area_is_the_numerical_integral(seed, most):
    quality, scores = measured(seed)
    curve = error_versus_discard(quality, scores, 0.5)
    knots = np.append(curve.discarded[curve.discarded < most], most)
    expected = sum(
        quad(lambda share: slow_fnmr(quality, scores < 0.5, share), low, high)[0]
        for low, high in pairwise(knots)
    )
    assert curve.area(most) == pytest.approx(expected, abs=1e-9)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.05, 0.2, 1.0]))
@settings(max_examples=40, deadline=None)
def test_quality_lies_between_the_perfect_and_the_worst(seed, most):
    quality, scores = measured(seed)
    failed = scores < 0.5

    def curve(quality):
        return error_versus_discard(quality, scores, 0.5)

    perfect, constant, worst = curve(~failed * 1.0), curve(np.ones(40)), curve(failed * 1.0)
    assert excess_area(perfect, most) == pytest.approx(0, abs=1e-9)
    assert constant.area(most) == pytest.approx(failed.mean() * most)
    assert perfect.area(most) < constant.area(most) < worst.area(most)
    assert perfect.area(most) - 1e-12 <= curve(quality).area(most) <= worst.area(most) + 1e-12
    expected = curve(quality).area(most) - perfect.area(most)
    assert excess_area(curve(quality), most) == pytest.approx(expected, abs=1e-9)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_order_and_monotone_transforms_of_quality_change_nothing(seed):
    quality, scores = measured(seed)
    order = np.random.default_rng(seed).permutation(40)
    first = error_versus_discard(quality, scores, 0.5)
    second = error_versus_discard(np.exp(quality[order]) - 3, scores[order], 0.5)
    np.testing.assert_allclose(first.fnmr, second.fnmr)
    assert excess_area(first, 0.2) == pytest.approx(excess_area(second, 0.2))


def test_ideal_area_by_hand():
    """FNMR 1/4 falls to 0 by discarding a quarter: area 1/4 + 3/4 ln(3/4)."""
    curve = error_versus_discard(np.array([1.0, 2, 3, 4]), np.array([0.1, 0.9, 0.9, 0.9]), 0.5)
    assert curve.area(1.0) == pytest.approx(0.25 + 0.75 * np.log(0.75))
    assert excess_area(curve, 1.0) == pytest.approx(0)


@pytest.mark.parametrize("scores", [np.ones(4), np.zeros(4)])
def test_where_all_or_none_fail_no_quality_is_better(scores):
    assert excess_area(error_versus_discard(np.arange(4.0), scores, 0.5), 0.2) == pytest.approx(0)


def test_quality_of_a_comparison_is_the_lower_of_its_sides():
    assert comparison_quality(np.array([1.0, 5.0]), np.array([3.0, 2.0])).tolist() == [1, 2]


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(ValueError, match="one quality per score, got 2 and 3 scores"):
        error_versus_discard(np.zeros(2), np.zeros(3), 0.5)
    with pytest.raises(ValueError, match="qualities that are numbers, got 1 NaN of 2"):
        error_versus_discard(np.array([0, np.nan]), np.zeros(2), 0.5)
    with pytest.raises(InputError, match=r"above 0 and at most 1, got 1\.5"):
        excess_area(error_versus_discard(np.zeros(2), np.zeros(2), 0.5), 1.5)


@given(st.integers(0, 2**32 - 1), st.floats(0.0, 0.99))
@settings(max_examples=25, deadline=None)
def test_fnmr_at_a_share_is_that_to_be_expected(seed, share):
    quality, scores = measured(seed)
    curve = error_versus_discard(quality, scores, 0.0)
    assert curve.fnmr_at(np.array([share]))[0] == pytest.approx(slow_fnmr(quality, scores < 0.0, share))
