import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfsame.errors import InputError
from selfsame.metrics.identification import mated_ranks, rank_rate
from selfsame.metrics.intervals import draw_multiplicities
from selfsame.metrics.open_set import Searches, fnir_interval_at, search_curve, search_rates, search_rates_at

BY_HAND = Searches(
    scores=np.array([[9.0, 1, 2], [4, 5, 6], [np.nan, 2, 1], [7, 3, 1], [1, np.nan, 5], [np.nan] * 3]),
    own=np.array([0, 1, 0, -1, -1, -1]),
    subjects=np.array(["a", "b", "a", "x", "y", "z"]),
)


def drawn_searches(seed, decimals=1):
    rng = np.random.default_rng(seed)
    own = np.concatenate([np.repeat(np.arange(8), 2), np.full(10, -1)])
    scores = rng.normal(size=(26, 8)) + 1.5 * (own[:, None] == np.arange(8))
    scores[rng.random(scores.shape) < 0.05] = np.nan
    subjects = np.concatenate([np.repeat(np.arange(8), 2), np.repeat(np.arange(8, 13), 2)]).astype(str)
    return Searches(scores.round(decimals).astype(np.float32), own, subjects)


def slow_rates(searches, threshold, rank):
    false, missed = [], []
    for scores, own in zip(searches.scores.tolist(), searches.own, strict=True):
        if own < 0:
            false.append(any(score >= threshold for score in scores))
        else:
            better = sum(score >= scores[own] for i, score in enumerate(scores) if i != own)
            missed.append(not (scores[own] >= threshold and better < rank))
    return np.mean(false), np.mean(missed)


def test_rates_by_hand():
    """At 5: x and y find someone, z has nothing; a/1 is found, b is second, a/2 has no own score."""
    first = search_rates(BY_HAND, 5.0, 1)
    assert (first.fpir, first.fnir) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert search_rates(BY_HAND, 5.0, 2).fnir == pytest.approx(1 / 3)
    assert search_rates(BY_HAND, 5.5, 2).fnir == pytest.approx(2 / 3)
    assert search_rates(BY_HAND, 5.5, 2).fpir == pytest.approx(1 / 3)


@given(st.integers(0, 2**32 - 1), st.floats(-2, 3), st.integers(1, 8))
@settings(max_examples=40, deadline=None)
def test_rates_agree_with_counting_search_by_search(seed, threshold, rank):
    searches = drawn_searches(seed)
    found = search_rates(searches, threshold, rank)
    assert (found.fpir, found.fnir) == pytest.approx(slow_rates(searches, threshold, rank), abs=1e-12)


@given(st.integers(0, 2**32 - 1), st.integers(1, 8))
@settings(max_examples=25, deadline=None)
def test_curve_is_monotone_and_passes_through_the_rates(seed, rank):
    searches = drawn_searches(seed)
    thresholds, curve = search_curve(searches, rank)
    assert (np.diff(curve.fmr) <= 1e-12).all()
    assert (np.diff(curve.fnmr) >= -1e-12).all()
    assert (curve.fmr[-1], curve.fnmr[-1]) == (0, 1)
    for i in range(0, len(thresholds), 5):
        expected = slow_rates(searches, thresholds[i], rank)
        assert (curve.fmr[i], curve.fnmr[i]) == pytest.approx(expected, abs=1e-12)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.4, 0.2, 0.1, 0.0]))
@settings(max_examples=25, deadline=None)
def test_threshold_holds_the_false_positive_rate(seed, fpir):
    searches = drawn_searches(seed)
    found = search_rates_at(searches, fpir=fpir, rank=1)
    assert found.fpir <= fpir
    assert slow_rates(searches, float(np.nextafter(np.float32(found.threshold), np.float32(-9))), 1)[0] > fpir


def test_longer_candidate_lists_miss_less_and_the_lowest_threshold_gives_the_closed_set():
    searches = drawn_searches(4)
    misses = [search_rates(searches, 0.5, rank).fnir for rank in range(1, 9)]
    assert misses == sorted(misses, reverse=True)
    complete = Searches(np.nan_to_num(searches.scores), searches.own, searches.subjects)
    ranks = mated_ranks(complete.scores[complete.enrolled], complete.own[complete.enrolled])
    assert search_curve(complete, 2)[1].fnmr[0] == pytest.approx(1 - rank_rate(ranks, 2))


def test_order_and_monotone_transforms_change_nothing():
    searches, order = drawn_searches(7), np.random.default_rng(0).permutation(26)
    other = Searches(np.exp(searches.scores[order]), searches.own[order], searches.subjects[order])
    for fpir in (0.1, 0.3):
        first, second = (search_rates_at(s, fpir=fpir, rank=2) for s in (searches, other))
        assert (first.fpir, first.fnir) == (second.fpir, second.fnir)


def test_interval_at_a_false_positive_rate_holds_the_rate_and_repeats_with_everybody_once():
    searches = drawn_searches(5)
    drawn = draw_multiplicities(13, 300, np.random.default_rng(1))
    rate, (low, high) = fnir_interval_at(searches, fpir=0.2, rank=1, multiplicities=drawn)
    assert rate == search_rates_at(searches, fpir=0.2, rank=1).fnir
    assert low < rate < high
    with pytest.raises(ValueError, match="multiplicities of 13 subjects, got 5"):
        fnir_interval_at(searches, fpir=0.2, rank=1, multiplicities=np.ones((5, 2)))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"own": np.array([0, 1, 0, 1, 1, 1])}, InputError, "6 of enrolled ones of 6"),
        ({"own": np.full(6, -1)}, InputError, "0 of enrolled ones of 6"),
        ({"own": np.array([0, 3, 0, -1, -1, -1])}, ValueError, "from -1 to 2, got -1 to 3"),
        ({"subjects": np.array(["a"])}, ValueError, "one subject per probe"),
        ({"scores": np.full((6, 3), np.inf)}, ValueError, "finite scores"),
    ],
)
def test_searches_that_make_no_open_set_are_refused(change, error, message):
    parts = {"scores": BY_HAND.scores, "own": BY_HAND.own, "subjects": BY_HAND.subjects} | change
    with pytest.raises(error, match=message):
        Searches(**parts)


def test_rank_and_rate_out_of_range_are_refused():
    with pytest.raises(InputError, match="rank of at least 1, got 0"):
        search_rates(BY_HAND, 0.5, 0)
    with pytest.raises(InputError, match="below 1, got 1"):
        search_rates_at(BY_HAND, fpir=1.0, rank=1)
