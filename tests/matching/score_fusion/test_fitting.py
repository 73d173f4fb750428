import json
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from selfsame.errors import DamagedError, InputError
from selfsame.matching.score_fusion.fitting import fit_fusion, read_fusion
from selfsame.matching.score_fusion.settings import FusionSettings

NAN = np.nan
RULES = ("sum", "likelihood_ratio", "logistic", "quality")
SETTINGS = FusionSettings(normalisation="z", weights="d_prime", calibration="logistic", prior=0.5, spread=1.0)


def draw(distances, mated=300, non_mated=3_000, seed=0, missing=0.0):
    """Independent normal scores, their qualities, and who is mated."""
    rng = np.random.default_rng(seed)
    same = np.arange(mated + non_mated) < mated
    scores = rng.normal(np.array(distances) * same[:, None])
    scores[rng.random(scores.shape) < missing] = NAN
    return scores, same, rng.random(scores.shape)


def fit(rule, distances=(3.0, 2.0, 1.0), changes=None, **drawn):
    scores, mated, qualities = draw(distances, **drawn)
    return fit_fusion(rule, scores, mated, qualities, SETTINGS.model_copy(update=changes or {}))


def auc(scores, mated):
    """Share of pairs in which the mated score is the higher one."""
    return np.searchsorted(np.sort(scores[~mated]), scores[mated]).mean() / np.count_nonzero(~mated)


@pytest.mark.parametrize("rule", ["likelihood_ratio", "logistic", "quality"])
def test_fused_llr_of_independent_normal_scores_is_the_true_one(rule):
    fitted = fit(rule, (1.5, 2.0), mated=20_000, non_mated=20_000)
    fresh, _, qualities = draw((1.5, 2.0), 1_000, 1_000, seed=1)
    true = fresh @ [1.5, 2.0] - (1.5**2 + 2.0**2) / 2
    np.testing.assert_allclose(fitted.apply(fresh, qualities), true, atol=0.06 * np.abs(true).max())


def test_plain_sum_by_hand():
    scores = np.array([[0.0, 30.0], [2.0, 10.0], [1.0, 20.0], [1.0, 20.0], [5.0, 60.0]])
    fitted = fit_fusion(
        "sum", scores, np.arange(5) == 4, None, SETTINGS.model_copy(update={"weights": "equal"})
    )
    # the four strangers have mean (1, 20), and are too few to call the two correlated: variance 1 + 1
    first, second = 1.0 / np.sqrt(0.5), 20.0 / np.sqrt(50.0)
    np.testing.assert_allclose(
        fitted.apply(np.array([[2.0, 40.0], [2.0, NAN], [NAN, 40.0], [NAN, NAN]])),
        [(first + second) / np.sqrt(2), first, second, NAN],
    )


@pytest.mark.parametrize("kind", ["z", "tanh", "min_max"])
@pytest.mark.parametrize("weights", ["equal", "d_prime"])
def test_sums_over_any_subset_are_standard_scores_of_strangers(kind, weights):
    fitted = fit("sum", changes={"normalisation": kind, "weights": weights}, non_mated=20_000)
    fresh, mated, _ = draw((3.0, 2.0, 1.0), 1, 20_000, seed=1)
    for subset in product([1.0, NAN], repeat=3):
        sums = fitted.apply(fresh[~mated] * subset)
        if any(np.isfinite(subset)):
            assert sums.mean() == pytest.approx(0.0, abs=0.05)
            assert sums.std() == pytest.approx(1.0, abs=0.05)


def test_correlated_strangers_are_allowed_for():
    scores, mated, _ = draw((3.0,), 300, 5_000)
    fitted = fit_fusion("sum", np.repeat(scores, 2, axis=1), mated, None, SETTINGS)
    np.testing.assert_allclose(fitted.apply(np.repeat(scores, 2, axis=1)), fitted.apply(scores * [1, NAN]))


@pytest.mark.parametrize("rule", RULES)
def test_any_subset_of_modalities_gives_a_score_and_none_gives_nan(rule):
    fitted = fit(rule, missing=0.3)
    present = np.array(list(product([1.0, NAN], repeat=3)))
    fused = fitted.apply(present, np.full(present.shape, 0.5))
    assert np.isnan(fused).tolist() == np.isnan(present).all(axis=1).tolist()
    assert fused.dtype == np.float64


@pytest.mark.parametrize("rule", ["likelihood_ratio", "logistic", "quality"])
def test_missing_modality_contributes_no_evidence(rule):
    fitted = fit(rule, (3.0, 2.0))
    alone = fitted.apply(np.array([[2.0, NAN]]), np.array([[NAN, NAN]]))
    assert alone == fitted.calibrations[0].apply(np.array([2.0]))


@pytest.mark.parametrize("rule", RULES)
@given(st.integers(0, 2), st.lists(st.floats(-4, 9), min_size=3, max_size=3), st.floats(0.01, 5))
@settings(max_examples=25, deadline=None)
def test_a_higher_score_of_any_modality_never_lowers_the_fused_score(rule, column, scores, step):
    fitted = FITTED[rule]
    higher = np.array(scores) + step * (np.arange(3) == column)
    low, high = fitted.apply(np.array([scores, higher]), np.full((2, 3), 0.7))
    assert low < high


FITTED = {rule: fit(rule) for rule in RULES}


@pytest.mark.parametrize("rule", RULES)
def test_one_modality_keeps_its_order(rule):
    scores, mated, _ = draw((2.0,))
    fused = fit_fusion(rule, scores, mated, np.ones(scores.shape), SETTINGS).apply(
        scores, np.ones(scores.shape)
    )
    assert (np.argsort(fused) == np.argsort(scores[:, 0])).all()


@pytest.mark.parametrize("rule", RULES)
def test_order_of_comparisons_does_not_matter(rule):
    scores, mated, qualities = draw((3.0, 2.0), missing=0.2)
    mixed = np.random.default_rng(1).permutation(len(mated))
    one = fit_fusion(rule, scores, mated, qualities, SETTINGS).apply(scores, qualities)
    other = fit_fusion(rule, scores[mixed], mated[mixed], qualities[mixed], SETTINGS)
    np.testing.assert_allclose(other.apply(scores, qualities), one, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rule", RULES)
def test_useless_modality_hardly_moves_the_fused_score(rule):
    fitted = fit(rule, (3.5, 0.0))
    fresh, mated, qualities = draw((3.5, 0.0), 2_000, 10_000, seed=1)
    assert auc(fitted.apply(fresh, qualities), mated) > auc(fresh[:, 0], mated) - 3e-4


def test_equal_weights_let_a_useless_modality_spoil_a_good_one():
    fitted = fit("sum", (3.5, 0.0), changes={"weights": "equal"})
    fresh, mated, _ = draw((3.5, 0.0), 2_000, 10_000, seed=1)
    assert auc(fitted.apply(fresh), mated) < auc(fresh[:, 0], mated) - 1e-3


def test_logistic_does_not_count_the_same_evidence_twice():
    scores, mated, _ = draw((2.0,), 5_000, 5_000)
    scores, mated = (
        scores[scores[:, 0] > -1.0],
        mated[scores[:, 0] > -1.0],
    )  # well above the floor of ln(1 / 5002)
    twice = np.repeat(scores, 2, axis=1)
    true = 2.0 * scores[:, 0] - 2.0
    np.testing.assert_allclose(
        fit_fusion("logistic", twice, mated, None, SETTINGS).apply(twice), true, atol=0.8
    )
    doubled = fit_fusion("likelihood_ratio", twice, mated, None, SETTINGS).apply(twice)
    np.testing.assert_allclose(doubled, 2 * true, atol=1.6)


def test_logistic_with_little_data_stays_near_the_sum_of_llrs():
    few, mated, _ = draw((6.0, 6.0), 4, 40)
    plain = fit_fusion("likelihood_ratio", few, mated, None, SETTINGS).apply(few)
    np.testing.assert_allclose(
        fit_fusion("logistic", few, mated, None, SETTINGS).apply(few), plain, rtol=0.15, atol=0.05
    )


def test_logistic_fits_each_set_that_occurs_on_all_comparisons_that_have_at_least_it():
    scores, mated, _ = draw((2.0, 2.0, 2.0))
    scores[::2, 2] = NAN
    fitted = fit_fusion("logistic", scores, mated, None, SETTINGS)
    assert [one.members for one in fitted.combinations] == [(0, 1), (0, 1, 2)]
    pair = fit_fusion("logistic", scores[:, :2], mated, None, SETTINGS)
    np.testing.assert_allclose(fitted.combinations[0].factors, pair.combinations[0].factors)


def quality_data(seed):
    """Scores of two modalities that say nothing at quality 0 and much at quality 1."""
    rng = np.random.default_rng(seed)
    mated, qualities = np.arange(12_000) < 4_000, rng.random((12_000, 2))
    return rng.normal(4.0 * qualities * mated[:, None]), mated, qualities


def test_evidence_of_good_captures_counts_more_where_quality_tells():
    fitted = fit_fusion("quality", *quality_data(0), SETTINGS)
    assert all(one.factors[0] < 0.6 < 1.2 < one.factors[1] for one in fitted.lines)
    scores, mated, qualities = quality_data(1)
    plain = fit_fusion("likelihood_ratio", *quality_data(0), SETTINGS).apply(scores)
    assert auc(fitted.apply(scores, qualities), mated) > auc(plain, mated) + 0.005


def test_quality_that_tells_nothing_changes_little():
    fitted = fit("quality", (2.0, 2.0), mated=2_000)
    assert all(0.7 < factor < 1.4 for one in fitted.lines for factor in one.factors)
    assert all(abs(offset) < 0.4 for one in fitted.lines for offset in one.offsets)


@pytest.mark.parametrize("value", [NAN, 0.8])
def test_unknown_or_constant_quality_leaves_the_llr_as_it_is(value):
    scores, mated, _ = draw((2.0, 2.0))
    qualities = np.full(scores.shape, value)
    fused = fit_fusion("quality", scores, mated, qualities, SETTINGS).apply(scores, qualities)
    plain = fit_fusion("logistic", scores, mated, None, SETTINGS).apply(scores)
    np.testing.assert_allclose(fused, plain, rtol=1e-12)


@pytest.mark.parametrize("calibration", ["logistic", "pav"])
@pytest.mark.parametrize("rule", RULES)
def test_document_round_trip_is_bit_for_bit(rule, calibration):
    fitted = fit(rule, missing=0.3, changes={"calibration": calibration})
    again = read_fusion(json.loads(json.dumps(fitted.to_document())))
    assert again == fitted
    fresh, _, qualities = draw((3.0, 2.0, 1.0), seed=1, missing=0.3)
    assert again.apply(fresh, qualities).tobytes() == fitted.apply(fresh, qualities).tobytes()


@pytest.mark.parametrize("rule", RULES)
def test_damaged_document_is_refused(rule):
    document = FITTED[rule].to_document()
    lists = [name for name, value in document.items() if isinstance(value, list) and name != "combinations"]
    for change in ({"rule": "median"}, {"extra": 1}, *({name: []} for name in lists)):
        with pytest.raises(DamagedError, match="fit"):
            read_fusion(document | change)


@pytest.mark.parametrize("rule", ["logistic", "quality"])
def test_combination_of_an_unknown_modality_is_refused(rule):
    document = FITTED[rule].to_document()
    document["combinations"] = [{"members": [0, 7], "factors": [1.0, 1.0], "offset": 0.0}]
    with pytest.raises(DamagedError, match="members of 0 to 2"):
        read_fusion(document)


def test_document_that_is_none_is_refused():
    with pytest.raises(DamagedError, match="sum, likelihood_ratio, logistic, quality, got None"):
        read_fusion(None)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("same", [True, False])
def test_modality_of_one_class_only_is_refused_with_its_column(rule, same):
    scores, mated, qualities = draw((3.0, 2.0))
    scores[mated == same, 1] = NAN
    with pytest.raises(InputError, match="in column 1"):
        fit_fusion(rule, scores, mated, qualities, SETTINGS)


@pytest.mark.parametrize(
    ("qualities", "message"),
    [(None, "got none"), (np.ones((5, 1)), r"shape \(5, 1\)"), (np.full((3_300, 2), 1.5), "1.5 to 1.5")],
)
def test_qualities_that_do_not_fit_are_refused(qualities, message):
    scores, mated, _ = draw((3.0, 2.0))
    with pytest.raises(InputError, match=message):
        fit_fusion("quality", scores, mated, qualities, SETTINGS)


@pytest.mark.parametrize("scores", [np.ones((4, 2)), np.ones(4), np.full((1, 3), np.inf)])
def test_scores_that_do_not_fit_are_refused(scores):
    with pytest.raises(InputError, match=r"expected (scores of shape \(n, 3\)|finite scores)"):
        FITTED["likelihood_ratio"].apply(scores)


def test_flags_of_another_length_and_an_unknown_rule_are_refused():
    scores, mated, _ = draw((3.0, 2.0))
    with pytest.raises(InputError, match="one mated flag"):
        fit_fusion("sum", scores, mated[1:], None, SETTINGS)
    with pytest.raises(InputError, match="got median"):
        fit_fusion("median", scores, mated, None, SETTINGS)


@pytest.mark.parametrize(
    ("name", "value"), [("prior", 1.0), ("spread", 0.0), ("normalisation", "rank"), ("x", 1)]
)
def test_settings_out_of_range_are_refused(name, value):
    with pytest.raises(ValidationError, match=name):
        FusionSettings.model_validate(SETTINGS.model_dump() | {name: value})


def test_quality_is_not_evidence_by_itself():
    rng = np.random.default_rng(0)
    mated = np.arange(40_000) < 8_000
    qualities = rng.beta(np.where(mated, 4.0, 2.0), 2.0)[:, None]  # captures of mated comparisons are better
    assert auc(qualities[:, 0], mated) > 0.7
    scores = rng.normal(size=mated.shape)[:, None]
    fused = fit_fusion("quality", scores, mated, qualities, SETTINGS).apply(scores, qualities)
    assert auc(fused, mated) == pytest.approx(0.5, abs=0.02)  # three standard errors of the AUC


def test_quality_works_with_steps_that_give_all_strangers_one_llr():
    scores, mated, qualities = draw((20.0, 20.0))
    settings = SETTINGS.model_copy(update={"calibration": "pav"})
    fused = fit_fusion("quality", scores, mated, qualities, settings).apply(scores, qualities)
    assert fused[mated].min() > 0 > fused[~mated].max()


@pytest.mark.parametrize("rule", ["likelihood_ratio", "logistic", "quality"])
def test_one_failed_modality_does_not_outvote_the_other(rule):
    fitted = fit(rule, (9.0, 9.0))  # separable: no failure was seen in 300 mated comparisons
    failed, strangers = fitted.apply(np.array([[0.0, 9.0], [0.0, 0.0]]), np.full((2, 2), 0.5))
    assert failed > 0 > strangers
