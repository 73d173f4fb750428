import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfsame.errors import DamagedError, InputError
from selfsame.matching.score_fusion.normalisation import ScoreNormalisation, fit_normalisation, hampel

SCORES = np.array([1.0, 3.0, 5.0, 9.0, 11.0, np.nan])
MATED = np.array([False, False, False, True, True, True])
KINDS = ("z", "tanh", "min_max")


def test_z_gives_distance_from_strangers_in_their_standard_deviations():
    normalised = fit_normalisation("z", SCORES, MATED).apply(SCORES)
    sigma = np.sqrt(8 / 3)  # of 1, 3, 5
    np.testing.assert_allclose(normalised, (SCORES - 3.0) / sigma)


def test_z_does_not_depend_on_how_many_mated_comparisons_there_are():
    more = np.concatenate([SCORES, [20.0, 30.0]]), np.concatenate([MATED, [True, True]])
    assert fit_normalisation("z", *more) == fit_normalisation("z", SCORES, MATED)


def test_min_max_spans_zero_to_one_and_does_not_clip():
    fitted = fit_normalisation("min_max", SCORES, MATED)
    np.testing.assert_allclose(fitted.apply(np.array([1.0, 11.0, 21.0])), [0.0, 1.0, 2.0])


def test_tanh_is_a_half_at_the_mated_centre_and_by_the_formula_elsewhere():
    fitted = ScoreNormalisation("tanh", centre=4.0, scale=2.0)
    expected = (np.tanh(0.01 * 3.0 / 2.0) + 1) / 2
    np.testing.assert_allclose(fitted.apply(np.array([4.0, 7.0])), [0.5, expected])


def test_hampel_is_near_mean_and_spread_of_normal_scores_and_ignores_outliers():
    scores = np.random.default_rng(0).normal(5.0, 2.0, 5_000)
    location, scale = hampel(scores)
    assert location == pytest.approx(5.0, abs=0.1)  # three standard errors
    spoilt = hampel(np.concatenate([scores, np.full(100, 1e6)]))
    assert spoilt == pytest.approx((location, scale), abs=0.2)


def test_hampel_of_equal_scores_is_their_mean():
    assert hampel(np.array([2.0, 2.0, 2.0, 2.0, 6.0])) == (2.8, 1.6)


@given(st.sampled_from(KINDS), st.floats(-50, 50), st.floats(1e-3, 50))
def test_higher_stays_strictly_more_alike(kind, score, step):
    low, high = fit_normalisation(kind, SCORES, MATED).apply(np.array([score, score + step]))
    assert low < high


@pytest.mark.parametrize("kind", KINDS)
def test_missing_score_stays_missing(kind):
    assert np.isnan(fit_normalisation(kind, SCORES, MATED).apply(SCORES)).tolist() == [False] * 5 + [True]


@pytest.mark.parametrize("kind", KINDS)
def test_document_round_trip_is_bit_for_bit(kind):
    fitted = fit_normalisation(kind, SCORES / 3, MATED)
    assert ScoreNormalisation.from_document(json.loads(json.dumps(fitted.to_document()))) == fitted


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"scale": 0.0}, "scale"),
        ({"kind": "rank"}, "kind"),
        ({"centre": float("nan")}, "centre"),
        ({"centre": "1.0"}, "centre"),
        ({"extra": 1}, "extra"),
        ({"centre": object()}, "serializable"),
    ],
)
def test_damaged_document_is_refused_with_the_field_at_fault(change, field):
    document = {"kind": "z", "centre": 0.0, "scale": 1.0} | change
    with pytest.raises(DamagedError, match=field):
        ScoreNormalisation.from_document(document)


def test_scores_of_one_kind_are_refused():
    with pytest.raises(InputError, match="3 mated and 0 non-mated"):
        fit_normalisation("z", np.array([1.0, 2.0, 3.0]), np.ones(3, dtype=bool))


@pytest.mark.parametrize("kind", KINDS)
def test_scores_without_spread_are_refused(kind):
    with pytest.raises(InputError, match="without spread"):
        fit_normalisation(kind, np.ones(4), np.array([True, True, False, False]))
