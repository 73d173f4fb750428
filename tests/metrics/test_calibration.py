import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import log_loss

from selfsame.errors import InputError
from selfsame.metrics.calibration import cllr, min_cllr, pav_llrs


def scored(seed, size=60, decimals=1):
    rng = np.random.default_rng(seed)
    mated = rng.random(size) < 0.4
    mated[:2] = True, False
    return (rng.normal(size=size) + 1.2 * mated).round(decimals), mated


def test_cost_by_hand():
    """log2(1 + 1/3) and log2(1 + 1) for the mated, log2(1 + 1/7) for the other."""
    llrs, mated = np.log([3.0, 1.0, 1 / 7]), np.array([True, True, False])
    expected = ((np.log2(4 / 3) + np.log2(2)) / 2 + np.log2(8 / 7)) / 2
    assert cllr(llrs, mated) == pytest.approx(expected, abs=1e-12)


def test_ratios_of_one_cost_one_bit_and_certain_answers_nothing_or_everything():
    mated = np.array([True, False, True])
    assert cllr(np.zeros(3), mated) == pytest.approx(1, abs=1e-12)
    assert cllr(np.array([np.inf, -np.inf, 800.0]), mated) == 0
    assert cllr(np.array([np.inf, np.inf, 800.0]), mated) == np.inf


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_cost_is_the_log_loss_of_scikit_learn_at_even_odds(seed):
    llrs, mated = scored(seed, decimals=6)
    weights = np.where(mated, 0.5 / mated.sum(), 0.5 / (~mated).sum())
    posteriors = 1 / (1 + np.exp(-llrs))
    expected = log_loss(mated, np.stack([1 - posteriors, posteriors], axis=1), sample_weight=weights)
    assert cllr(llrs, mated) == pytest.approx(expected / np.log(2), abs=1e-9)


@given(st.integers(0, 2**32 - 1), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_ratios_are_those_of_the_isotonic_regression_of_scikit_learn(seed, decimals):
    scores, mated = scored(seed, decimals=decimals)
    posteriors = IsotonicRegression().fit(scores, mated).predict(scores)
    odds = np.exp(pav_llrs(scores, mated)) * mated.sum() / (~mated).sum()
    found = np.where(np.isinf(odds), 1.0, odds / (1 + np.where(np.isinf(odds), 0, odds)))
    np.testing.assert_allclose(found, posteriors, atol=1e-9)


def slow_violators(scores, mated):
    """Pool neighbours until no share is below the one before it."""
    pools = [[mated[scores == level].sum(), (scores == level).sum()] for level in np.unique(scores)]
    i = 0
    while i < len(pools) - 1:
        if pools[i][0] * pools[i + 1][1] >= pools[i + 1][0] * pools[i][1]:
            pools[i] = [pools[i][0] + pools[i + 1][0], pools[i][1] + pools[i + 1][1]]
            del pools[i + 1]
            i = max(i - 1, 0)
        else:
            i += 1
    return pools


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_minimum_is_the_entropy_left_in_the_pools(seed):
    scores, mated = scored(seed)
    cost, ones, zeros = 0.0, mated.sum(), (~mated).sum()
    for hits, size in slow_violators(scores, mated):
        misses = size - hits
        if hits:
            cost += hits / ones * np.log2(1 + (misses / zeros) / (hits / ones)) / 2
        if misses:
            cost += misses / zeros * np.log2(1 + (hits / ones) / (misses / zeros)) / 2
    assert min_cllr(scores, mated) == pytest.approx(cost, abs=1e-9)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_minimum_is_no_more_than_any_monotone_calibration_costs_and_ignores_it(seed):
    scores, mated = scored(seed)
    least = min_cllr(scores, mated)
    assert 0 <= least <= 1 + 1e-12
    for slope, shift in ((1, 0), (2, -1), (0.5, 0.3)):
        assert least <= cllr(slope * scores + shift, mated) + 1e-9
    assert min_cllr(np.exp(scores), mated) == pytest.approx(least, abs=1e-12)
    order = np.random.default_rng(seed).permutation(len(scores))
    assert min_cllr(scores[order], mated[order]) == pytest.approx(least, abs=1e-12)
    llrs = pav_llrs(scores, mated)
    rising = llrs[np.argsort(scores)]
    assert (rising[1:] >= rising[:-1] - 1e-12).all()
    assert cllr(llrs, mated) == pytest.approx(min_cllr(llrs, mated), abs=1e-9)


def test_separated_scores_cost_nothing_and_constant_ones_a_bit():
    mated = np.array([True, True, False, False])
    assert min_cllr(np.array([4.0, 3.0, 2.0, -np.inf]), mated) == 0
    assert min_cllr(np.ones(4), mated) == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(pav_llrs(np.ones(4), mated), 0, atol=1e-12)


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(ValueError, match="one value per comparison, got 2 of 3"):
        cllr(np.zeros(2), np.array([True, False, True]))
    with pytest.raises(ValueError, match="got 1 NaN of 2"):
        min_cllr(np.array([0, np.nan]), np.array([True, False]))
    with pytest.raises(InputError, match="got 2 mated of 2"):
        cllr(np.zeros(2), np.array([True, True]))
