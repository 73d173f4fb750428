import numpy as np
import pytest

from selfsame.errors import InputError
from selfsame.matching.score_fusion.cross_fitting import cross_fit, deal_groups
from selfsame.matching.score_fusion.fitting import fit_fusion
from selfsame.matching.score_fusion.settings import FusionSettings
from selfsame.metrics.comparisons import Comparisons
from selfsame.metrics.intervals import draw_multiplicities, rate_interval
from selfsame.metrics.verification import ErrorCurve, error_curve, resample_curves

RULES = ("sum", "likelihood_ratio", "logistic", "quality")
SETTINGS = FusionSettings(normalisation="z", weights="d_prime", calibration="logistic", prior=0.5, spread=1.0)


def draw(subjects=12, captures=4, distances=(3.0, 2.0), seed=0):
    """Every capture of every subject against every other once: scores, mated, subjects of both sides."""
    rng = np.random.default_rng(seed)
    names = np.repeat([f"s{i:03}" for i in range(subjects)], captures)
    left, right = np.triu_indices(len(names), 1)
    mated = names[left] == names[right]
    return rng.normal(np.array(distances) * mated[:, None]), mated, names[left], names[right]


def fit(rule, drawn, groups=5, qualities=None):
    return cross_fit(rule, *drawn, groups=groups, seed=7, settings=SETTINGS, qualities=qualities)


@pytest.mark.parametrize("rule", RULES)
def test_scores_of_a_held_out_subject_do_not_move_the_fits_that_score_its_group(rule):
    scores, mated, probes, references = draw()
    qualities = np.random.default_rng(1).random(scores.shape)
    clean = fit(rule, (scores, mated, probes, references), qualities=qualities)
    dealt = deal_groups(probes, 5, seed=7)
    for victim in ("s000", "s005"):
        own = (probes == victim) | (references == victim)
        poisoned = scores.copy()
        poisoned[own] = 1e3 * np.random.default_rng(2).normal(size=2)
        spoilt = fit(rule, (poisoned, mated, probes, references), qualities=qualities)
        group = np.vectorize(dealt.get)
        held = (group(probes) == dealt[victim]) | (group(references) == dealt[victim])
        assert (held & ~own).any()
        np.testing.assert_array_equal(spoilt[held & ~own], clean[held & ~own])
        assert (spoilt[~held] != clean[~held]).any()  # the other fits saw it


def test_each_comparison_is_scored_by_a_fit_on_subjects_of_neither_group():
    drawn = draw()
    scores, mated, probes, references = drawn
    found, dealt = fit("likelihood_ratio", drawn), deal_groups(probes, 5, seed=7)
    group = np.vectorize(dealt.get)
    sides = np.sort(np.stack([group(probes), group(references)]), axis=0)
    pairs = np.unique(sides, axis=1).T
    assert len(pairs) == 15  # 5 groups: 5 within, 10 between
    for held in (pairs[0], pairs[7]):
        rows = (held == sides.T).all(axis=1)
        outside = ~np.isin(group(probes), held) & ~np.isin(group(references), held)
        by_hand = fit_fusion("likelihood_ratio", scores[outside], mated[outside], None, SETTINGS)
        np.testing.assert_array_equal(found[rows], by_hand.apply(scores[rows]))


def test_sides_may_be_exchanged():
    scores, mated, probes, references = draw()
    one = fit("logistic", (scores, mated, probes, references))
    np.testing.assert_array_equal(fit("logistic", (scores, mated, references, probes)), one)


@pytest.mark.parametrize("rule", RULES)
def test_shuffled_identities_give_an_eer_of_half_within_its_interval(rule):
    scores, _, probes, references = draw(subjects=30, distances=(4.0, 2.0))
    # captures are dealt to other subjects: what the scores say has nothing to do with the names any more
    mixed = np.random.default_rng(3).permutation(120)
    left, right = np.triu_indices(120, 1)
    names = np.repeat(np.unique(np.concatenate([probes, references])), 4)[mixed]
    probes, references = names[left], names[right]
    found = fit(rule, (scores, probes == references, probes, references), qualities=np.ones(scores.shape))
    comparisons = Comparisons(found, probes, references)
    drawn = draw_multiplicities(30, 300, np.random.default_rng(0))
    (resampled,) = resample_curves(comparisons, drawn, ErrorCurve.equal_error_rate)
    low, high = rate_interval(float(error_curve(comparisons).equal_error_rate()), resampled, 30)
    assert low <= 0.5 <= high


def test_groups_are_even_and_do_not_depend_on_the_order_of_the_subjects():
    names = np.array([f"s{i}" for i in range(23)])
    dealt = deal_groups(names, 5, seed=1)
    assert sorted(np.unique(list(dealt.values()), return_counts=True)[1]) == [4, 4, 5, 5, 5]
    assert deal_groups(names[::-1], 5, seed=1) == dealt != deal_groups(names, 5, seed=2)


@pytest.mark.parametrize("groups", [2, 1, 0])
def test_fewer_than_three_groups_are_refused(groups):
    with pytest.raises(InputError, match="expected 3 groups"):
        fit("sum", draw(), groups=groups)


def test_too_few_subjects_are_refused_with_how_many_are_needed():
    with pytest.raises(InputError, match="got 5 subjects in 3 groups: use 6 subjects or more"):
        fit("sum", draw(subjects=5), groups=3)


def test_training_part_without_mated_comparisons_is_refused_with_its_group():
    scores, mated, probes, references = draw(subjects=6)
    dealt = deal_groups(probes, 3, seed=7)
    kept = ~mated | (np.vectorize(dealt.get)(probes) == "0")  # mated comparisons in this group only
    with pytest.raises(InputError, match=r"without the subjects of group 0, .* got 0 mated and 96 non-mated"):
        fit("sum", (scores[kept], mated[kept], probes[kept], references[kept]), groups=3)


def test_columns_of_different_lengths_are_refused():
    scores, mated, probes, references = draw()
    with pytest.raises(InputError, match="1128 rows, 1128 flags, 1127 probe"):
        fit("sum", (scores, mated, probes[1:], references))
