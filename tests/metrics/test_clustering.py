import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, t

from selfsame.metrics.clustering import pair_share_interval, share_interval
from selfsame.metrics.intervals import draw_multiplicities, rate_interval, resample_rate


def clopper_pearson(share, variance, freedom):
    trials = share * (1 - share) / variance * (1.959963985 / t.ppf(0.975, freedom)) ** 2
    hits = share * trials
    return beta.ppf(0.025, hits, trials - hits + 1), beta.ppf(0.975, hits + 1, trials - hits)


def slow_variance(hits, probes, references):
    """Add up the products of residuals over all pairs of comparisons that have a subject in common."""
    residuals, total, alone = hits - hits.mean(), 0.0, 0.0
    for i in range(len(hits)):
        for j in range(len(hits)):
            shared = {probes[i], references[i]} & {probes[j], references[j]}
            total += residuals[i] * residuals[j] * bool(shared)
            alone += residuals[i] * residuals[j] * (len(shared) == 2)
    subjects = len({*probes, *references})
    return max(alone, total * subjects * (subjects - 1) / (subjects - 2) ** 2) / len(hits) ** 2


def random_pairs(seed, subjects=9, comparisons=60):
    rng = np.random.default_rng(seed)
    probes = rng.integers(0, subjects, comparisons)
    references = (probes + rng.integers(1, subjects, comparisons)) % subjects
    return rng.random(comparisons) < 0.4, probes, references


def test_interval_of_independent_trials_is_that_of_clopper_and_pearson_for_almost_as_many():
    hits = np.arange(2000) % 5 == 0
    low, high = share_interval(hits, np.arange(2000))
    assert (low, high) == pytest.approx((beta.ppf(0.025, 400, 1601), beta.ppf(0.975, 401, 1600)), abs=2e-4)


def test_interval_agrees_with_the_subject_bootstrap():
    rng = np.random.default_rng(2)
    owners = rng.integers(0, 50, 400)
    hits = rng.random(400) < rng.beta(2, 6, 50)[owners]
    resampled = resample_rate(hits.astype(float), owners, draw_multiplicities(50, 20_000, rng))
    assert share_interval(hits, owners) == pytest.approx(rate_interval(hits.mean(), resampled, 50), abs=0.01)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_variance_by_pairs_agrees_with_the_slow_sum(seed):
    hits, probes, references = random_pairs(seed)
    expected = clopper_pearson(hits.mean(), slow_variance(hits, probes, references), 9 / 2 - 1)
    assert pair_share_interval(hits, probes, references) == pytest.approx(expected, abs=1e-9)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_sides_order_and_numbering_change_nothing(seed):
    hits, probes, references = random_pairs(seed)
    order = np.random.default_rng(seed).permutation(len(hits))
    expected = pair_share_interval(hits, probes, references)
    assert pair_share_interval(hits, references, probes) == pytest.approx(expected)
    moved = pair_share_interval(hits[order], 90 - 7 * probes[order], 90 - 7 * references[order])
    assert moved == pytest.approx(expected)
    assert share_interval(hits[order], probes[order].astype(str)) == pytest.approx(
        share_interval(hits, probes)
    )


def test_no_false_match_is_bounded_by_the_rule_of_three_over_pairs():
    first, second = np.triu_indices(40, 1)
    none = np.zeros(780, dtype=bool)
    assert pair_share_interval(none, first, second) == (0.0, 3 / 780)
    assert pair_share_interval(~none, first, second) == (1 - 3 / 780, 1.0)
    assert share_interval(none, first) == (0.0, 3 / 39)


def test_few_errors_are_not_bounded_below_the_rule_of_three():
    first, second = np.triu_indices(40, 1)
    one = np.arange(780) == 5
    assert pair_share_interval(one, first, second)[1] >= 3 / 780
    assert share_interval(np.arange(1000) == 3, np.repeat(np.arange(100), 10))[1] >= 3 / 100


def test_one_wolf_widens_the_interval():
    first, second = np.triu_indices(30, 1)
    scattered, by_one = np.zeros(435, dtype=bool), first == 0
    scattered[::15] = True
    narrow, wide = pair_share_interval(scattered, first, second), pair_share_interval(by_one, first, second)
    assert scattered.sum() == by_one.sum() == 29
    assert wide[1] - wide[0] > 2 * (narrow[1] - narrow[0])


def test_one_subject_bounds_nothing_and_no_trial_is_refused():
    assert share_interval(np.array([True, False]), np.zeros(2, dtype=int)) == (0.0, 1.0)
    with pytest.raises(ValueError, match="at least one trial"):
        share_interval(np.zeros(0, dtype=bool), np.zeros(0, dtype=int))
