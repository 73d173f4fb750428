"""Protocols, folds and figures: every comparison with the score of every comparator, and what failed."""

import numpy as np
import pandas as pd
import pytest

from selfsame.errors import InputError
from selfsame.matching.experiment import ATTEMPT_COLUMNS, TRIAL_COLUMNS, count_attempts
from selfsame.matching.folds import gather_evidence, read_measure

PEOPLE = tuple("abcdef")
EYES = ("iris_left", "iris_right")


def make_eyes(index, captures=3, **given):
    return [index(m, captures, subjects=PEOPLE, instances=(m[5:],), **given) for m in EYES]


@pytest.fixture
def evidence(index, assignments, pairs):
    """Evidence of two eyes of six people: `evidence(indexes=..., tables=..., folds=2)`."""

    def make(indexes=None, tables=None, quality=None, **rules):
        rows = make_eyes(index) if indexes is None else indexes
        scores = [pairs(one) for one in rows] if tables is None else tables
        return gather_evidence(assignments(*rows, **rules), [*rows, *scores], quality or {})

    return make


def find(experiments, figure):
    return next(one for one in experiments if one.figure.name == figure)


def test_scores_are_those_of_the_pairs_of_captures(evidence, index, pairs):
    rows = make_eyes(index)
    left = find(evidence(rows).experiments("closed_set"), "iris_left")
    table = pairs(rows[0])
    known = {frozenset(p): s for *p, s in table[["first", "second", "score"]].itertuples(index=False)}
    sides = zip(left.trials["probe"], left.trials["reference"], strict=True)
    expected = [known[frozenset(pair)] for pair in sides]
    np.testing.assert_array_equal(left.scores["iris_left", "code"], np.float32(expected))


def test_everyone_is_tested_once_over_the_folds(evidence):
    experiment = find(evidence(folds=3).experiments("subject_disjoint"), "iris_left")
    folds = experiment.trials.groupby("fold")["probe_subject"].agg(set)
    assert sorted(folds.index) == [0, 1, 2]
    assert sorted(name for fold in folds for name in fold) == sorted(PEOPLE)
    assert (
        experiment.trials.groupby("fold")["reference_subject"].agg(set) == folds
    ).all()  # nobody is compared with somebody of another fold, whom another model was trained on
    assert not experiment.trials.duplicated(["probe", "reference"]).any()


def test_trials_say_who_is_compared_whatever_the_comparator(evidence):
    experiments = list(evidence().experiments("open_set"))
    table = pd.concat([one.trials for one in experiments])
    assert set(TRIAL_COLUMNS) <= set(table.columns)
    assert set(table["protocol"]) == {"open_set"}
    assert set(table["figure"]) == {*EYES, "irises"}
    strangers = set(table["probe_subject"]) - set(table["reference_subject"])
    assert len(strangers) == 2
    assert (table["mated"] == (table["probe_subject"] == table["reference_subject"])).all()


def test_protocol_that_was_not_assigned_is_refused(index, assignments, pairs):
    rows = make_eyes(index)
    given = assignments(*rows)
    lacking = given[given["protocol"] != "open_set"]
    made = gather_evidence(lacking, [*rows, *map(pairs, rows)], {})
    with pytest.raises(InputError, match="open_set fold 0: run data_engineering"):
        list(made.experiments("open_set"))


def test_comparator_that_lacks_a_fold_takes_no_part(evidence, index, pairs):
    rows = make_eyes(index)
    learnt = [pairs(one, comparator="cosine", protocol="subject_disjoint", fold=0) for one in rows]
    made = evidence(rows, [*map(pairs, rows), *learnt])
    assert find(made.experiments("subject_disjoint"), "irises").comparators() == ["code"]
    assert find(made.experiments("closed_set"), "irises").comparators() == ["code"]


def test_comparator_of_every_fold_takes_part_with_the_scores_of_that_fold(evidence, index, pairs):
    rows = make_eyes(index)
    kind = {"comparator": "cosine", "protocol": "subject_disjoint"}
    learnt = [pairs(one, fold=fold, seed=fold, **kind).assign(weight=0.5 + fold)
              for one in rows for fold in (0, 1)]  # fmt: skip
    experiment = find(evidence(rows, [*map(pairs, rows), *learnt]).experiments("subject_disjoint"), "irises")
    assert experiment.comparators() == ["code", "cosine"]
    second = experiment.trials["fold"].to_numpy() == 1
    assert experiment.weights[second].tolist() == [[1.5, 1.5]] * second.sum()
    own = find(evidence(rows, [pairs(one, seed=1) for one in rows]).experiments("subject_disjoint"), "irises")
    np.testing.assert_array_equal(
        experiment.scores["iris_left", "cosine"][second], own.scores["iris_left", "code"][second]
    )


def test_fold_whose_people_have_no_prints_goes_without(evidence, index, assignments, pairs):
    """Two of six people have prints; where they are not tested, there is nothing to compare."""
    eyes = index("iris_left", 3, subjects=PEOPLE)
    given = assignments(eyes)
    disjoint = given[(given["protocol"] == "subject_disjoint") & (given["split"] == "test")]
    owner = eyes.set_index("capture_id")["subject_id"]
    fold = disjoint.assign(subject=disjoint["capture_id"].map(owner)).groupby("subject")["fold"].first()
    some = tuple(fold.index[fold == 1][:2])
    prints = index("fingerprint", 2, subjects=some)
    made = evidence([eyes, prints], [pairs(eyes), pairs(prints)])
    experiments = {one.figure.name: one for one in made.experiments("subject_disjoint")}
    assert list(experiments) == ["iris_left", "fingerprint", "all"]
    assert set(experiments["fingerprint"].trials["fold"]) == {1}
    assert np.isfinite(experiments["fingerprint"].scores["fingerprint", "code"]).all()
    assert set(experiments["all"].trials["fold"]) == {0, 1}
    shown = np.isfinite(experiments["all"].scores["fingerprint", "code"])
    assert set(experiments["all"].trials.loc[shown, "probe_subject"]) == set(some)


def test_quality_of_a_comparison_is_that_of_its_worse_side(evidence, index):
    rows = make_eyes(index)
    rows[0]["measures"] = [f'{{"visible_share": {k / 100}}}' for k in range(len(rows[0]))]
    made = evidence(rows, quality={"iris_left": "visible_share"})
    left = find(made.experiments("closed_set"), "iris_left")
    known = {name: k / 100 for k, name in enumerate(rows[0]["capture_id"])}
    worse = [min(known[p], known[r]) for p, r in left.trials[["probe", "reference"]].itertuples(index=False)]
    np.testing.assert_allclose(left.qualities["iris_left"], worse, rtol=1e-6)
    both = find(made.experiments("closed_set"), "irises")
    assert np.isnan(both.qualities["iris_right"]).all()  # no measure is named


def test_misspelt_quality_measure_is_refused_with_those_there_are(index):
    with pytest.raises(InputError, match="of visible_share, got visible: choose one of these"):
        read_measure(index("iris_left", 1), "visible")


def test_capture_that_was_not_acquired_has_no_quality(index, failed):
    rows = failed(index("iris_left", 1), "a_iris_left_left_1")
    rows.loc[0, "measures"] = "{}"
    assert read_measure(rows, "visible_share").isna().tolist() == [True, False, False]


# Attempts


def count(experiment, comparator="code"):
    member = experiment.figure.modalities[0], comparator
    return count_attempts(experiment, comparator, ~np.isnan(experiment.scores[member]))


def test_failures_are_counted_by_comparison_and_by_probe(evidence, index, failed):
    rows = make_eyes(index, references=(1,))
    rows[0] = failed(rows[0], "a_iris_left_left_2")
    table = count(find(evidence(rows).experiments("closed_set"), "iris_left"))
    assert list(table.columns) == ATTEMPT_COLUMNS
    first = table.set_index("subject_id").loc["a"]
    assert (first["mated_attempted"], first["mated_failed"]) == (2, 1)
    assert (first["probes_attempted"], first["probes_failed"]) == (2, 1)
    others = table[table["subject_id"] != "a"]
    assert others["mated_failed"].sum() == others["probes_failed"].sum() == 0
    assert table["mated_attempted"].sum() == 12


def test_failed_reference_fails_every_probe_of_its_subject(evidence, index, failed):
    rows = make_eyes(index)
    rows[0] = failed(rows[0], "a_iris_left_left_1")
    table = count(find(evidence(rows).experiments("closed_set"), "iris_left")).set_index("subject_id")
    assert table.loc["a", ["mated_failed", "probes_failed"]].tolist() == [2, 2]


def test_failed_eye_leaves_the_other(evidence, index, failed):
    rows = make_eyes(index)
    rows[0] = failed(rows[0], "a_iris_left_left_2")
    both = find(evidence(rows).experiments("closed_set"), "irises")
    scores = both.stack({"iris_left": "code", "iris_right": "code"})
    lost = np.isnan(scores[:, 0])
    assert set(both.trials.loc[lost, "probe"]) == {"a/1"}
    assert np.isfinite(scores[:, 1]).all()


def test_strangers_of_an_open_set_have_no_mated_attempts(evidence):
    experiment = find(evidence().experiments("open_set"), "iris_left")
    strangers = set(experiment.trials["probe_subject"]) - set(experiment.trials["reference_subject"])
    assert strangers
    assert not strangers & set(count(experiment)["subject_id"])


def test_order_of_rows_changes_nothing(evidence, index, assignments, pairs):
    rows = make_eyes(index)
    tables = [pairs(one) for one in rows]
    first = evidence(rows, tables)
    mixed = [table.sample(frac=1, random_state=5).reset_index(drop=True) for table in (*rows, *tables)]
    second = gather_evidence(assignments(*rows).sample(frac=1, random_state=6), mixed, {})
    for protocol in ("closed_set", "subject_disjoint", "open_set"):
        for one, other in zip(first.experiments(protocol), second.experiments(protocol), strict=True):
            pd.testing.assert_frame_equal(one.trials, other.trials)
            for member, scores in one.scores.items():
                np.testing.assert_array_equal(scores, other.scores[member])


def test_version_of_the_templates_is_known_and_absent_scores_are_refused(evidence):
    made = evidence()
    assert made.version_of("iris_left", "code", "closed_set") == "v1"
    with pytest.raises(InputError, match="scores of iris_left by cosine under closed_set, got none: choose"):
        made.version_of("iris_left", "cosine", "closed_set")


def test_captures_of_other_modalities_alone_are_refused_with_what_to_do(index):
    empty = index("iris_left", 2).iloc[:0]
    with pytest.raises(
        InputError, match="at least one modality of this workload, got none: all captures are of other"
    ):
        gather_evidence(pd.DataFrame(), [empty], {})
