"""Scores of comparators and fusion rules, and the tables they end in."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from selfsame.errors import InputError
from selfsame.fusion.weighted import fuse_cosines
from selfsame.matching.compared import VERDICT_COLUMNS, compare_all
from selfsame.matching.experiment import SCORE_COLUMNS, TRIAL_COLUMNS
from selfsame.matching.export import write_four_columns
from selfsame.matching.folds import gather_evidence
from selfsame.matching.score_fusion.fusing import fuse_by_network, score_experiment

PEOPLE = tuple(f"s{i:02d}" for i in range(12))
EYES = ("iris_left", "iris_right")
CHOSEN = dict.fromkeys(EYES, "code")
RULES = ("sum", "likelihood_ratio", "logistic", "quality")


@pytest.fixture(scope="module")
def evidence(index, assignments, pairs):
    """Evidence of two eyes of twelve people by two comparators, `cosine` for the closed set only."""

    def make(noise=0.6, change=lambda rows: rows):
        rows = [change(index(m, 3, subjects=PEOPLE, instances=(m[5:],))) for m in EYES]
        learnt = [
            pairs(one, comparator="cosine", protocol="closed_set", fold=0, seed=9).assign(weight=weight)
            for one, weight in zip(rows, (0.75, 0.25), strict=True)
        ]
        codes = [pairs(one, noise=noise, seed=k) for k, one in enumerate(rows)]
        quality = dict.fromkeys(EYES, "visible_share")
        return gather_evidence(assignments(*rows), [*rows, *codes, *learnt], quality)

    return make


@pytest.fixture(scope="module")
def compared(evidence, fusing):
    return compare_all(evidence(), ["closed_set", "subject_disjoint", "open_set"], fusing(CHOSEN), 100)


def pick(table, **values):
    for column, value in values.items():
        table = table[table[column] == value]
    return table


def test_every_figure_is_scored_by_its_comparators_or_rules(compared):
    found = compared.scores.groupby(["protocol", "figure"])["comparator"].agg(
        lambda names: list(dict.fromkeys(names))
    )
    assert found["closed_set", "iris_left"] == ["code", "cosine"]
    assert found["closed_set", "irises"] == ["network", *RULES]
    assert found["subject_disjoint", "iris_left"] == ["code"]  # no network was trained for its folds
    assert found["subject_disjoint", "irises"] == list(RULES)
    assert list(compared.scores.columns) == SCORE_COLUMNS
    assert list(compared.trials.columns) == TRIAL_COLUMNS
    assert compared.scores["score"].dtype == np.float32


def test_every_scored_comparison_was_a_trial(compared):
    key = TRIAL_COLUMNS
    merged = compared.scores.merge(compared.trials, on=key, how="left", indicator=True)
    assert (merged["_merge"] == "both").all()
    assert not compared.trials.duplicated(["protocol", "figure", "fold", "probe", "reference"]).any()


def test_the_network_fuses_by_its_own_weights(evidence, fusing):
    both = list(evidence().experiments("closed_set"))[-1]
    network = next(iter(score_experiment(both, fusing(CHOSEN))))
    left, right = (both.scores[m, "cosine"].astype(float) for m in EYES)
    assert network.comparator == "network"
    np.testing.assert_allclose(network.scores, 0.75 * left + 0.25 * right, rtol=1e-6)


def test_the_network_fuses_as_it_does_in_training(evidence):
    both = list(evidence().experiments("closed_set"))[-1]
    cosines = both.stack(dict.fromkeys(EYES, "cosine"))
    cosines[np.random.default_rng(0).random(cosines.shape) < 0.3] = np.nan
    both = replace(both, scores={(m, "cosine"): cosines[:, k] for k, m in enumerate(EYES)})
    shared = ~np.isnan(cosines)
    assert set(shared.sum(axis=1)) == {0, 1, 2}
    trained = fuse_cosines(*map(torch.from_numpy, (cosines, shared, both.weights))).numpy()
    np.testing.assert_allclose(
        fuse_by_network(both), np.where(np.isinf(trained), np.nan, trained), rtol=1e-12
    )


def test_the_network_does_without_an_eye_that_failed(evidence, fusing, failed):
    made = evidence(change=lambda rows: failed(rows, "s00_iris_left_left_2"))
    both = list(made.experiments("closed_set"))[-1]
    network = next(iter(score_experiment(both, fusing(CHOSEN))))
    alone = np.isnan(both.scores["iris_left", "cosine"])
    assert alone.any()
    np.testing.assert_allclose(
        network.scores[alone], both.scores["iris_right", "cosine"][alone].astype(float), rtol=1e-6
    )


def test_likelihood_ratios_keep_the_order_of_the_scores_within_a_fit(compared):
    """Calibration is monotone; comparisons of one pair of subjects are scored by one fit."""
    table = pick(compared.scores, protocol="closed_set", figure="iris_left", comparator="code")
    for _, rows in table.groupby(["probe_subject", "reference_subject"]):
        ordered = rows.sort_values("score")
        assert (np.diff(ordered["llr"]) >= 0).all()


def test_a_comparison_is_scored_by_a_fit_that_knows_neither_of_its_subjects(evidence, fusing):
    *_, both = evidence().experiments("closed_set")
    before = {one.comparator: one.scores for one in score_experiment(both, fusing(CHOSEN))}
    subjects = both.trials[["probe_subject", "reference_subject"]]
    theirs = subjects.isin(["s03", "s04"]).any(axis=1).to_numpy()
    (kept, *_) = np.flatnonzero(subjects.eq(["s03", "s04"]).all(axis=1))
    poisoned = theirs & (np.arange(len(theirs)) != kept)
    scores = {member: np.where(poisoned, np.float32(9), given) for member, given in both.scores.items()}
    after = {
        one.comparator: one.scores for one in score_experiment(replace(both, scores=scores), fusing(CHOSEN))
    }
    for rule in RULES:
        np.testing.assert_allclose(after[rule][kept], before[rule][kept], rtol=1e-9)
        assert not np.allclose(after[rule][~theirs], before[rule][~theirs])  # theirs did teach the others


def test_chosen_comparator_without_scores_is_refused_by_name(evidence, fusing):
    chosen = {"iris_left": "code", "iris_right": "minutiae"}
    experiments = {one.figure.name: one for one in evidence().experiments("closed_set")}
    alone = {
        one.comparator: one.refused for one in score_experiment(experiments["iris_right"], fusing(chosen))
    }
    assert alone["code"] is None
    assert alone["minutiae"] == "there are no scores of iris_right by minutiae under closed_set"
    both = {one.comparator: one.refused for one in score_experiment(experiments["irises"], fusing(chosen))}
    assert both["network"] is None
    assert all("iris_right by minutiae" in both[rule] for rule in RULES)


def test_too_few_subjects_to_cross_fit_leave_scores_without_fusion(index, assignments, pairs, fusing):
    rows = [index(m, 3, subjects=PEOPLE[:4], instances=(m[5:],)) for m in EYES]
    made = gather_evidence(assignments(*rows), [*rows, *map(pairs, rows)], {})
    compared = compare_all(made, ["closed_set"], fusing(CHOSEN), 100)
    assert set(compared.scores["figure"]) == set(EYES)
    assert compared.scores["llr"].isna().all()
    refused = pick(compared.attempts, figure="irises").drop_duplicates("comparator")
    assert refused["refused"].str.contains("6 subjects or more").all()
    assert set(refused["comparator"]) == set(RULES)
    assert compared.verdicts.empty


def test_modality_without_a_chosen_comparator_is_refused(evidence, fusing):
    with pytest.raises(
        InputError, match=r"comparator of iris_right to be chosen, got those of iris_left: add"
    ):
        compare_all(evidence(), ["closed_set"], fusing({"iris_left": "code"}), 100)


def test_verdicts_compare_each_fusion_with_its_best_member(compared):
    assert list(compared.verdicts.columns) == VERDICT_COLUMNS
    closed = pick(compared.verdicts, protocol="closed_set", figure="irises")
    assert closed["rule"].tolist() == ["network", *RULES]
    assert set(compared.verdicts["best_member"]) <= set(EYES)
    gap = compared.verdicts["eer"] - compared.verdicts["best_member_eer"]
    np.testing.assert_allclose(compared.verdicts["difference"], gap)
    assert (compared.verdicts["worse"] == (compared.verdicts["difference_low"] > 0)).all()


def test_no_fusion_of_two_eyes_is_worse_than_its_better_eye(evidence, fusing):
    """Noise at which an eye errs in some comparisons: two of them know more."""
    compared = compare_all(evidence(noise=1.2), ["closed_set", "open_set"], fusing(CHOSEN), 200)
    rules = compared.verdicts[compared.verdicts["rule"] != "network"]
    assert not rules["worse"].any()
    assert rules["best_member_eer"].min() > 0.02  # the task is no gift
    assert (rules["difference"] < 0).mean() > 0.5


def test_attempts_count_the_failures_of_every_comparator_and_rule(evidence, fusing, failed):
    made = evidence(change=lambda rows: failed(rows, "s00_iris_left_left_2"))
    compared = compare_all(made, ["closed_set"], fusing(CHOSEN), 100)
    counts = compared.attempts.groupby(["figure", "comparator"])[["mated_attempted", "mated_failed"]].sum()
    assert counts.loc[("iris_left", "code")].tolist() == [24, 1]
    assert counts.loc[("iris_right", "cosine")].tolist() == [24, 0]
    assert counts.loc["irises"].drop_duplicates().values.tolist() == [[24, 0]]
    scored = compared.scores[compared.scores["mated"]].groupby(["figure", "comparator"]).size()
    expected = counts["mated_attempted"] - counts["mated_failed"]
    pd.testing.assert_series_equal(scored, expected, check_names=False)


# Export


def test_exported_scores_read_back(compared):
    rows = pick(compared.scores, protocol="closed_set", figure="iris_left", comparator="code")
    lines = [line.split(" ") for line in write_four_columns(rows).splitlines()]
    assert {len(line) for line in lines} == {4}
    claimed, true, probe, score = zip(*lines, strict=True)
    assert [a == b for a, b in zip(claimed, true, strict=True)] == rows["mated"].tolist()
    assert list(probe) == rows["probe"].tolist()
    np.testing.assert_array_equal(np.float32(score), rows["score"])  # 9 digits hold a float32


def test_white_space_in_names_does_not_make_columns():
    rows = pd.DataFrame({
        "reference_subject": ["Ann Lee"], "probe_subject": ["Bo\tOh"], "probe": ["a b/1"], "score": [0.5],
    })  # fmt: skip
    assert write_four_columns(rows) == "Ann_Lee Bo_Oh a_b/1 0.5\n"
