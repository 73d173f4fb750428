import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, norm
from sklearn.metrics import roc_auc_score, roc_curve

from selfsame.metrics.comparisons import Comparisons
from selfsame.metrics.intervals import draw_multiplicities, rate_interval
from selfsame.metrics.roc import area_interval, area_under_curve, equal_error_interval, roc_points
from selfsame.metrics.verification import ErrorCurve, error_curve, resample_curves


def compared(seed, subjects=8, decimals=1):
    rng = np.random.default_rng(seed)
    probes, references = rng.integers(0, subjects, (2, 200))
    probes[:3], references[:3] = [0, 1, 2], [0, 1, 5]
    scores = rng.normal(size=200) + 0.8 * (probes == references)
    return Comparisons(scores.round(decimals), probes.astype(str), references.astype(str))


@given(st.integers(0, 2**32 - 1), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_area_is_that_of_scikit_learn_and_mann_whitney_with_ties(seed, decimals):
    comparisons = compared(seed, decimals=decimals)
    mated, other = comparisons.scores[comparisons.mated], comparisons.scores[~comparisons.mated]
    area = area_under_curve(comparisons)
    assert area == pytest.approx(roc_auc_score(comparisons.mated, comparisons.scores), abs=1e-9)
    assert area == pytest.approx(mannwhitneyu(mated, other).statistic / len(mated) / len(other), abs=1e-9)
    slow = np.mean((mated[:, None] > other) + 0.5 * (mated[:, None] == other))
    assert area == pytest.approx(slow, abs=1e-9)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_area_ignores_order_and_monotone_transforms_and_mirrors_with_the_sign(seed):
    comparisons = compared(seed)
    order = np.random.default_rng(seed).permutation(200)
    sides = comparisons.probe_subjects, comparisons.reference_subjects
    shuffled = Comparisons(np.exp(3 * comparisons.scores)[order], *(side[order] for side in sides))
    assert area_under_curve(shuffled) == pytest.approx(area_under_curve(comparisons), abs=1e-12)
    turned = Comparisons(-comparisons.scores, *sides)
    assert area_under_curve(turned) == pytest.approx(1 - area_under_curve(comparisons), abs=1e-12)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_points_are_those_of_scikit_learn(seed):
    comparisons = compared(seed)
    points = roc_points(comparisons)
    fmr, match_rate, thresholds = roc_curve(comparisons.mated, comparisons.scores, drop_intermediate=False)
    np.testing.assert_allclose(points.thresholds, thresholds[::-1])
    np.testing.assert_allclose(points.fmr, fmr[::-1], atol=1e-12)
    np.testing.assert_allclose(points.match_rate, match_rate[::-1], atol=1e-12)
    assert (np.diff(points.fmr) <= 1e-12).all()
    assert (np.diff(points.fnmr) >= -1e-12).all()


def test_deviates_of_normal_scores_lie_on_a_straight_line():
    steps = (np.arange(2000) + 0.5) / 2000
    scores = np.concatenate([norm.ppf(steps) + 2, norm.ppf(steps)])
    probes = np.repeat("a", 4000)
    comparisons = Comparisons(scores, probes, np.where(np.arange(4000) < 2000, "a", "b"))
    fmr, fnmr = roc_points(comparisons).deviates()
    middle = (np.abs(fmr) < 2) & (np.abs(fnmr) < 2)
    np.testing.assert_allclose(fmr[middle] + fnmr[middle], -2, atol=0.03)
    assert (fmr[0], fnmr[0], fmr[-1], fnmr[-1]) == (np.inf, -np.inf, -np.inf, np.inf)


def test_resampled_areas_are_those_of_repeated_comparisons():
    comparisons = compared(3, subjects=6)
    times = np.array([[2, 1, 0, 1, 1, 1], [0, 1, 3, 0, 2, 0]], dtype=float).T
    (areas,) = resample_curves(comparisons, times, ErrorCurve.area)
    for column, area in enumerate(areas):
        probe, reference = times[comparisons.probe_codes, column], times[comparisons.reference_codes, column]
        weight = np.where(comparisons.mated, probe, probe * reference)
        expected = roc_auc_score(comparisons.mated, comparisons.scores, sample_weight=weight)
        assert area == pytest.approx(expected, abs=1e-9)


def intervals(comparisons, resamples=100):
    drawn = draw_multiplicities(len(comparisons.subjects), resamples, np.random.default_rng(0))
    eers, areas = resample_curves(comparisons, drawn, ErrorCurve.equal_error_rate, ErrorCurve.area)
    return area_interval(comparisons, areas), equal_error_interval(comparisons, eers)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_intervals_hold_the_area_and_the_equal_error_rate(seed):
    comparisons = compared(seed)
    (low, high), (least, most) = intervals(comparisons)
    assert 0 <= low <= area_under_curve(comparisons) <= high <= 1
    assert 0 <= least <= error_curve(comparisons).equal_error_rate() <= most <= 1


def test_equal_error_rate_without_a_mated_error_is_bounded_by_the_rule_of_three():
    """Strangers are above one mated score, nobody is rejected there: the EER is not 0, yet unknown."""
    probe, reference = np.repeat(np.arange(30), 30), np.tile(np.arange(30), 30)
    scores = np.where(probe == reference, 5.0, np.linspace(0, 1, 900))
    scores[[0, 1]] = 2.0, 3.0
    comparisons = Comparisons(scores, probe.astype(str), reference.astype(str))
    eer = float(error_curve(comparisons).equal_error_rate())
    assert 0 < eer < 0.01
    assert intervals(comparisons)[1][1] == pytest.approx(3 / 30)


def test_intervals_of_many_errors_are_those_of_a_rate():
    comparisons = compared(5, subjects=30)
    drawn = draw_multiplicities(30, 100, np.random.default_rng(0))
    (eers,) = resample_curves(comparisons, drawn, ErrorCurve.equal_error_rate)
    eer = float(error_curve(comparisons).equal_error_rate())
    expected = rate_interval(eer, eers, comparisons.mated_subjects)
    assert equal_error_interval(comparisons, eers) == pytest.approx(expected)


def test_perfect_separation_is_bounded_by_the_rule_of_three():
    probe, reference = np.repeat(np.arange(30), 30), np.tile(np.arange(30), 30)
    comparisons = Comparisons((probe == reference) * 1.0, probe.astype(str), reference.astype(str))
    assert intervals(comparisons) == ((0.9, 1.0), (0.0, 0.1))


@pytest.mark.parametrize("seed", range(3))
def test_shuffled_identities_have_an_eer_and_an_area_of_a_half_within_the_interval(seed):
    rng = np.random.default_rng(seed)
    probes, references = rng.integers(0, 30, (2, 4000))
    people = rng.normal(0, 0.3, 30)
    scores = people[probes] + people[references] + rng.normal(size=4000)
    names = rng.permutation(probes).astype(str), references.astype(str)
    (low, high), (least, most) = intervals(Comparisons(scores, *names))
    assert low < 0.5 < high < 0.65
    assert 0.35 < least < 0.5 < most
