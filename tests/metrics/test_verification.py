import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from selfsame.errors import InputError
from selfsame.metrics.comparisons import Comparisons
from selfsame.metrics.verification import (
    ErrorCurve,
    centre_threshold,
    error_curve,
    full_curve,
    lowest_threshold,
    match_rates,
    read_fnmr,
    resample_curves,
)


def all_against_all(rng, *, subjects=12, probes=2, separation=1.5, decimals=None):
    """Every probe against one reference of every subject, mated scores higher by `separation` on average."""
    probe = np.repeat(np.arange(subjects), probes * subjects)
    reference = np.tile(np.arange(subjects), probes * subjects)
    scores = rng.normal(size=len(probe)) + separation * (probe == reference)
    if decimals is not None:
        scores = scores.round(decimals)
    return Comparisons(scores, probe.astype(str), reference.astype(str))


def slow_eer(comparisons):
    """Walk the ROC of scikit-learn to where it meets the diagonal."""
    fmr, match, _ = roc_curve(comparisons.mated, comparisons.scores, drop_intermediate=False)
    fnmr = 1 - match
    for i in range(1, len(fmr)):
        if fmr[i] >= fnmr[i]:
            before, after = fnmr[i - 1] - fmr[i - 1], fnmr[i] - fmr[i]
            return fnmr[i - 1] + (fnmr[i] - fnmr[i - 1]) * before / (before - after)
    raise AssertionError("the ROC ends at FMR 1")


def slow_fnmr_at(comparisons, limit):
    """Try every threshold from the lowest and stop at the first that holds the FMR."""
    mated, other = comparisons.scores[comparisons.mated], comparisons.scores[~comparisons.mated]
    for threshold in sorted([*np.unique(comparisons.scores), np.inf]):
        if np.mean(other >= threshold) <= limit:
            break
    # between this threshold and the next lower score nothing changes for the non-mated side
    highest_rejected = other[other < threshold].max(initial=-np.inf)
    return np.mean(mated <= highest_rejected)


scores_strategy = st.integers(0, 2**32 - 1).map(
    lambda seed: all_against_all(np.random.default_rng(seed), decimals=1)
)


@given(scores_strategy)
@settings(max_examples=40, deadline=None)
def test_rates_agree_with_an_independent_implementation_even_with_ties(comparisons):
    curve = error_curve(comparisons)
    assert curve.equal_error_rate() == pytest.approx(slow_eer(comparisons), abs=1e-12)
    for limit in (0.3, 0.1, 0.01):
        assert curve.fnmr_at(limit) == pytest.approx(slow_fnmr_at(comparisons, limit), abs=1e-12)


@given(scores_strategy)
@settings(max_examples=25, deadline=None)
def test_rates_are_shares_and_move_one_way(comparisons):
    curve = full_curve(comparisons)
    assert curve.fmr[0] == 1
    assert curve.fnmr[-1] == 1
    assert (np.diff(curve.fmr) <= 1e-12).all()
    assert (np.diff(curve.fnmr) >= -1e-12).all()
    assert 0 <= curve.equal_error_rate() <= 1
    assert curve.fnmr_at(0.01) >= curve.fnmr_at(0.1) >= curve.fnmr_at(0.5)


@given(scores_strategy, st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_order_of_comparisons_and_monotone_transforms_change_nothing(comparisons, seed):
    order = np.random.default_rng(seed).permutation(len(comparisons.scores))
    other = Comparisons(
        np.exp(comparisons.scores[order]),
        comparisons.probe_subjects[order],
        comparisons.reference_subjects[order],
    )
    first, second = error_curve(comparisons), error_curve(other)
    assert first.equal_error_rate() == pytest.approx(second.equal_error_rate(), abs=1e-12)
    assert first.fnmr_at(0.05) == pytest.approx(second.fnmr_at(0.05), abs=1e-12)


def test_merged_steps_give_the_rates_of_the_full_curve():
    comparisons = all_against_all(np.random.default_rng(3), subjects=20)
    short, full = error_curve(comparisons), full_curve(comparisons)
    assert len(short.fmr) < len(full.fmr) / 4
    assert short.equal_error_rate() == pytest.approx(full.equal_error_rate(), abs=1e-12)
    assert short.fnmr_at(0.01) == full.fnmr_at(0.01)


def test_perfect_separation_has_no_error():
    comparisons = Comparisons(np.array([0.9, 0.8, 0.1, 0.2]), np.array(list("abab")), np.array(list("abba")))
    curve = error_curve(comparisons)
    assert curve.equal_error_rate() == 0
    assert curve.fnmr_at(0.001) == 0


def test_one_constant_score_is_chance():
    comparisons = Comparisons(np.full(4, 0.5), np.array(list("abab")), np.array(list("abba")))
    assert error_curve(comparisons).equal_error_rate() == 0.5
    assert error_curve(comparisons).fnmr_at(0.5) == 1


def test_rates_by_hand():
    # mated 0.9 0.6 0.4, non-mated 0.7 0.3 0.2 0.1: just above 0.4 FMR is 1/4 and FNMR 1/3, at 0.4 FNMR is 0
    scores = np.array([0.9, 0.6, 0.4, 0.7, 0.3, 0.2, 0.1])
    comparisons = Comparisons(scores, np.array(list("abcabca")), np.array(list("abcbcab")))
    curve = error_curve(comparisons)
    assert curve.equal_error_rate() == pytest.approx(0.25)
    assert curve.fnmr_at(0.25) == 0
    assert curve.fnmr_at(0.1) == pytest.approx(2 / 3)
    assert match_rates(comparisons, 0.5) == (0.25, pytest.approx(1 / 3))


@given(
    st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=300), st.sampled_from([0.5, 0.1, 0.01, 0.001])
)
@settings(max_examples=60, deadline=None)
def test_threshold_is_the_lowest_that_holds_its_false_match_rate(values, fmr):
    scores = np.array(values, dtype=np.float32)
    threshold = np.float32(lowest_threshold(fmr, scores.astype(np.float64)))
    assert np.mean(scores >= threshold) <= fmr
    assert np.mean(scores >= np.nextafter(threshold, np.float32(-np.inf))) > fmr


def test_three_false_matches_of_three_thousand_are_allowed_at_a_thousandth():
    scores = np.arange(3000, dtype=np.float64)
    assert np.count_nonzero(scores >= lowest_threshold(0.001, scores)) == 3


def test_resampling_agrees_with_repeating_the_comparisons_by_hand():
    comparisons = all_against_all(np.random.default_rng(5), subjects=5, decimals=1)
    multiplicities = np.array([[2, 0, 1, 1, 1], [1, 1, 1, 1, 1], [0, 3, 0, 2, 0]], dtype=float).T
    eers, fnmrs = resample_curves(comparisons, multiplicities, ErrorCurve.equal_error_rate, read_fnmr(0.1))
    for column, times in enumerate(multiplicities.T):
        probe, reference = times[comparisons.probe_codes], times[comparisons.reference_codes]
        weight = np.where(comparisons.mated, probe, probe * reference).astype(int)
        repeated = Comparisons(*(np.repeat(part, weight) for part in (
            comparisons.scores, comparisons.probe_subjects, comparisons.reference_subjects)))  # fmt: skip
        assert eers[column] == pytest.approx(slow_eer(repeated), abs=1e-12)
        assert fnmrs[column] == pytest.approx(slow_fnmr_at(repeated, 0.1), abs=1e-12)


def test_resample_without_non_mated_comparisons_is_no_number():
    comparisons = all_against_all(np.random.default_rng(5), subjects=2)
    drawn = np.array([[2.0, 1.0], [0.0, 1.0]])
    eers, fnmrs = resample_curves(comparisons, drawn, ErrorCurve.equal_error_rate, read_fnmr(0.1))
    assert np.isnan(eers[0])
    assert np.isnan(fnmrs[0])
    assert np.isfinite(eers[1])


def test_scores_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="expected finite scores, got 1 NaN"):
        Comparisons(np.array([0.1, np.nan]), np.array(["a", "a"]), np.array(["a", "b"]))


def test_infinite_scores_are_refused():
    with pytest.raises(ValueError, match="expected finite scores, got 2 NaN or infinite of 3"):
        Comparisons(np.array([np.inf, -np.inf, 0.2]), np.array(["a", "a", "a"]), np.array(["a", "b", "b"]))


def test_a_single_subject_is_refused_with_the_remedy():
    with pytest.raises(InputError, match="at least two subjects"):
        Comparisons(np.array([0.1, 0.2]), np.array(["a", "a"]), np.array(["a", "a"]))


def test_sides_of_different_length_are_refused():
    with pytest.raises(ValueError, match="one probe and one reference subject per score"):
        Comparisons(np.array([0.1, 0.2]), np.array(["a"]), np.array(["a", "b"]))


def test_pairs_of_subjects_are_counted_once_in_both_directions():
    comparisons = all_against_all(np.random.default_rng(0), subjects=5)
    assert comparisons.non_mated_pairs == 10
    assert comparisons.mated_subjects == 5


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=30), st.floats(-1, 1, width=32))
def test_a_centred_threshold_loses_no_mated_comparison_and_never_falls(mated, threshold):
    mated = np.array(mated)
    centred = centre_threshold(threshold, mated)
    assert centred >= threshold
    assert np.array_equal(mated >= centred, mated >= threshold)
