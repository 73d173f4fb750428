import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from selfsame.errors import DamagedError, InputError
from selfsame.matching.score_fusion.calibration import (
    LogisticCalibration,
    PavCalibration,
    fit_calibration,
    fit_logistic,
    fit_pav,
)

WIDE = 100.0
"""Spread of a prior that says nothing."""


def draw(distance, mated=2_000, non_mated=20_000, seed=0):
    rng = np.random.default_rng(seed)
    same = np.arange(mated + non_mated) < mated
    return rng.normal(distance * same), same


def cllr(llrs, mated):
    """Cost of log-likelihood ratios in bits, as Brümmer writes it."""
    own, others = np.logaddexp(0, -llrs[mated]).mean(), np.logaddexp(0, llrs[~mated]).mean()
    return (own + others) / 2 / np.log(2)


@pytest.mark.parametrize("prior", [0.1, 0.5])
def test_logistic_recovers_the_true_line_of_normal_scores(prior):
    fitted = fit_logistic(*draw(2.5, mated=20_000, non_mated=60_000), prior=prior, spread=1.0)
    # N(2.5, 1) against N(0, 1): LLR = 2.5 s - 2.5^2 / 2; the standard error of the slope is about 0.03
    assert fitted.slope == pytest.approx(2.5, abs=0.1)
    assert fitted.offset == pytest.approx(-3.125, abs=0.15)


def test_logistic_equals_scikit_learn_where_the_prior_says_nothing():
    scores, mated = draw(2.0)
    fitted = fit_logistic(scores, mated, prior=0.5, spread=WIDE)
    other = LogisticRegression(C=np.inf, class_weight="balanced", tol=1e-10).fit(scores[:, None], mated)
    assert fitted.slope == pytest.approx(
        other.coef_[0, 0], rel=1e-3
    )  # the prior at spread 100 still says little
    assert fitted.offset == pytest.approx(other.intercept_[0], rel=1e-3)


def test_calibrated_scores_cost_less_than_no_information_and_near_the_bound():
    scores, mated = draw(3.0)
    fresh, fresh_mated = draw(3.0, seed=1)
    least = cllr(fit_pav(fresh, fresh_mated).apply(fresh), fresh_mated)
    cost = cllr(fit_logistic(scores, mated, prior=0.5, spread=1.0).apply(fresh), fresh_mated)
    assert least < cost < least + 0.02 < 1.0


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 100), st.floats(-50, 50))
@settings(max_examples=20, deadline=None)
def test_logistic_llrs_do_not_depend_on_the_unit_of_the_score(seed, scale, shift):
    scores, mated = draw(2.0, 30, 60, seed)
    plain = fit_logistic(scores, mated, prior=0.5, spread=1.0).apply(scores)
    moved = scale * scores + shift
    np.testing.assert_allclose(
        fit_logistic(moved, mated, prior=0.5, spread=1.0).apply(moved), plain, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("distance", [10.0, 100.0, 1e6])
def test_separable_scores_give_a_finite_slope(distance):
    scores, mated = draw(distance, 450, 5_000)
    fitted = fit_logistic(scores, mated, prior=0.5, spread=1.0)
    assert np.isfinite(fitted.offset)
    assert 0.3 * distance < fitted.slope < 3 * distance  # the discriminant's slope is `distance`
    assert (fitted.apply(scores[mated]) > 0).all()
    assert (fitted.apply(scores[~mated]) < 0).all()


@pytest.mark.parametrize("distance", [0.0, -2.0])
def test_useless_or_inverted_scores_say_nearly_nothing_and_keep_their_order(distance):
    scores, mated = draw(distance, 450, 5_000)
    fitted = fit_logistic(scores, mated, prior=0.5, spread=1.0)
    assert fitted.slope > 0
    assert np.abs(fitted.apply(scores)).max() < 0.5


def test_two_constants_can_be_calibrated():
    scores, mated = np.array([1.0, 1.0, 0.0, 0.0]), np.array([True, True, False, False])
    low, high = fit_logistic(scores, mated, prior=0.5, spread=1.0).apply(np.array([0.0, 1.0]))
    assert low < 0 < high


def test_pav_equals_scikit_learn_with_laplace_trials():
    scores, mated = draw(1.5, 100, 300)
    ghosts = np.array([scores.min() - 1, scores.min() - 1, scores.max() + 1, scores.max() + 1])
    both = np.concatenate([scores, ghosts]), np.concatenate([mated, [1, 0, 1, 0]])
    shares = IsotonicRegression().fit(*both).predict(scores)
    expected = np.log(shares / (1 - shares)) - np.log(100 / 300)
    np.testing.assert_allclose(fit_pav(scores, mated).apply(scores), expected, atol=1e-9)


def test_pav_of_separable_scores_by_hand():
    fitted = fit_pav(np.array([0.0, 1.0, 2.0, 3.0]), np.array([False, False, True, True]))
    # below: 1 ghost of 2 and 2 non-mated, so 1 mated to 3 non-mated; above: 3 to 1
    np.testing.assert_allclose(fitted.apply(np.array([-9, 0.5, 1.5, 9])), np.log([1 / 3, 1 / 3, 1, 3]))


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_pav_is_finite_and_never_falls(seed):
    scores, mated = draw(1.0, 20, 40, seed)
    llrs = fit_pav(np.round(scores, 1), mated).apply(np.linspace(-6, 6, 500))
    assert np.isfinite(llrs).all()
    assert (np.diff(llrs) >= 0).all()


def test_no_calibration_costs_less_than_pav_on_the_scores_it_was_fitted_to():
    scores, mated = draw(1.5, 1_000, 1_000)
    line = fit_logistic(scores, mated, prior=0.5, spread=1.0)
    assert cllr(fit_pav(scores, mated).apply(scores), mated) < cllr(line.apply(scores), mated)


@pytest.mark.parametrize("kind", ["logistic", "pav"])
def test_missing_scores_take_no_part_and_stay_missing(kind):
    scores, mated = draw(2.0, 50, 100)
    holed = np.append(scores, [np.nan, np.nan]), np.append(mated, [True, False])
    fitted = fit_calibration(kind, *holed, prior=0.5, spread=1.0)
    assert fitted == fit_calibration(kind, scores, mated, prior=0.5, spread=1.0)
    assert np.isnan(fitted.apply(holed[0])).sum() == 2


@pytest.mark.parametrize("kind", ["logistic", "pav"])
def test_document_round_trip_is_bit_for_bit(kind):
    fitted = fit_calibration(kind, *draw(2.0, 50, 100), prior=0.5, spread=1.0)
    again = type(fitted).from_document(json.loads(json.dumps(fitted.to_document())))
    assert again == fitted
    points = np.linspace(-5, 8, 101)
    assert again.apply(points).tobytes() == fitted.apply(points).tobytes()


@pytest.mark.parametrize(
    ("knots", "levels"), [((1.0, 0.0), (0.0, 1.0)), ((0.0, 1.0), (1.0, 0.0)), ((0.0,), (0.0, 1.0)), ((), ())]
)
def test_knots_that_do_not_rise_are_refused(knots, levels):
    with pytest.raises(DamagedError, match="knots and levels"):
        PavCalibration("pav", knots, levels)


@pytest.mark.parametrize("document", [{"kind": "platt"}, {}, None, [1], {"kind": "logistic", "slope": -1.0}])
@pytest.mark.parametrize("kind", [LogisticCalibration, PavCalibration])
def test_damaged_document_is_refused(kind, document):
    with pytest.raises(DamagedError, match=kind.__name__):
        kind.from_document(document)


@pytest.mark.parametrize("kind", ["logistic", "pav"])
@pytest.mark.parametrize("same", [True, False])
def test_one_class_only_is_refused(kind, same):
    with pytest.raises(InputError, match="mated and non-mated scores, got"):
        fit_calibration(kind, np.arange(3.0), np.full(3, same), prior=0.5, spread=1.0)


def test_equal_scores_are_refused():
    with pytest.raises(InputError, match="got 4 equal ones"):
        fit_logistic(np.ones(4), np.array([True, True, False, False]), prior=0.5, spread=1.0)


def test_llr_levels_off_at_what_an_unseen_failure_may_cost():
    fitted = fit_logistic(*draw(9.0, 98, 1_000), prior=0.5, spread=1.0)
    low, lower, high = fitted.apply(np.array([0.0, -50.0, 9.0]))
    assert low == pytest.approx(lower, abs=1e-6)
    assert lower == pytest.approx(np.log(1 / 100))  # Laplace: 0 of 98 failed
    assert high == pytest.approx(fitted.slope * 9.0 + fitted.offset)
