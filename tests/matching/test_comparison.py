"""Who is compared with whom."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfsame.errors import InputError, MismatchError
from selfsame.matching.comparison import lay_out, tabulate_trial
from selfsame.matching.figures import Figure, name_figures, subsets
from selfsame.matching.protocol import protocol_kind, select_probes, select_references
from selfsame.matching.trial import indexes_by_modality, set_up_trial

EYES = ("iris_left", "iris_right")


@pytest.fixture
def indexes(index):
    fingers = index("fingerprint", 1, instances=("right_index", "right_thumb"), impressions=2)
    eyes = [index(modality, 5, instances=(modality[5:],), references=(1, 2, 3)) for modality in EYES]
    return indexes_by_modality([*eyes, fingers])


def make_both(rows, *trained):
    """The rows as a fold of subject_disjoint shows them: captures of the test are on both sides."""
    tested = ~rows["subject_id"].isin(trained)
    return rows.assign(
        protocol="subject_disjoint",
        role=rows["role"].mask(tested, "both"),
        split=np.where(tested, "test", "train"),
    )


def list_trials(figure, indexes):
    trial = set_up_trial(indexes)
    return tabulate_trial(lay_out(figure, trial)), trial


def pairs_of(table):
    return [frozenset(pair) for pair in zip(table["probe"], table["reference"], strict=True)]


# Figures


def test_synthetic_probes_are_named_so_and_every_set_has_a_figure(indexes):
    assert [figure.name for figure in set_up_trial(indexes).figures] == [
        "iris_left",
        "iris_right",
        "fingerprint_synthetic_impressions",
        "irises",
        "iris_left+fingerprint_synthetic_impressions",
        "iris_right+fingerprint_synthetic_impressions",
        "all",
    ]


def test_real_second_captures_are_not_called_synthetic():
    assert [figure.name for figure in name_figures(["fingerprint"], ())] == ["fingerprint"]


def test_two_irises_and_nothing_else_are_called_irises():
    assert [figure.name for figure in name_figures(EYES, ())] == [*EYES, "irises"]


def test_every_subset_of_modalities_is_listed_once_in_order():
    listed = subsets(("l", "r", "f"))
    assert listed == [("l",), ("r",), ("f",), ("l", "r"), ("l", "f"), ("r", "f"), ("l", "r", "f")]


# References and probes apart


def test_every_probe_print_is_compared_with_the_same_finger_of_every_subject(indexes):
    rows = indexes["fingerprint"].drop_duplicates("capture_id").set_index("capture_id")["instance"]
    table, _ = list_trials(Figure("fingerprint", ("fingerprint",)), indexes)
    assert len(table) == 3 * 2 * 2 * 3  # subjects x fingers x impressions x enrolled subjects
    assert table["mated"].sum() == 3 * 2 * 2
    assert (table["probe"].str.split("/").str[0].map(rows) == table["reference"].map(rows)).all()


def test_reference_is_named_by_its_capture_where_a_figure_has_one_modality(indexes):
    table, _ = list_trials(Figure("iris_left", ("iris_left",)), indexes)
    first = table.iloc[0]
    assert (first["probe"], first["reference"]) == ("a_iris_left_left_4", "a_iris_left_left_1")
    owners = indexes["iris_left"].set_index("capture_id")["subject_id"]
    assert (table["reference"].map(owners) == table["reference_subject"]).all()
    assert (table["probe"].map(owners) == table["probe_subject"]).all()
    assert (table["mated"] == (table["probe_subject"] == table["reference_subject"])).all()
    assert len(table) == 3 * 2 * 3 * 3
    assert not table.duplicated(["probe", "reference"]).any()


def test_both_irises_are_presented_together(indexes):
    table, _ = list_trials(Figure("irises", EYES), indexes)
    assert len(table) == 3 * 2 * 3 * 3
    assert set(table["probe"]) == {f"{subject}/{k}" for subject in "abc" for k in (1, 2)}
    assert set(table["reference"]) == {f"{subject}/{k}" for subject in "abc" for k in (1, 2, 3)}


# The same captures on both sides


def test_every_pair_of_eyes_is_compared_once(index):
    rows = {"iris_left": make_both(index("iris_left", 3))}
    table, _ = list_trials(Figure("iris_left", ("iris_left",)), rows)
    wanted = {frozenset(pair) for pair in combinations(rows["iris_left"]["capture_id"], 2)}
    assert set(pairs_of(table)) == wanted
    assert len(table) == len(wanted) == 9 * 8 // 2
    assert table["mated"].sum() == 3 * 3


def test_every_pair_of_prints_of_a_finger_is_compared_once(index):
    rows = {"fingerprint": make_both(index("fingerprint", 2, instances=("index", "thumb")))}
    table, _ = list_trials(Figure("fingerprint", ("fingerprint",)), rows)
    fingers = rows["fingerprint"].groupby("instance")["capture_id"].apply(list)
    wanted = {frozenset(pair) for group in fingers for pair in combinations(group, 2)}
    assert set(pairs_of(table)) == wanted
    assert len(table) == len(wanted) == 2 * (6 * 5 // 2)


def test_every_pair_of_presentations_is_compared_once(index):
    rows = {modality: make_both(index(modality, 3, instances=(modality[5:],))) for modality in EYES}
    table, _ = list_trials(Figure("irises", EYES), rows)
    names = [f"{subject}/{k}" for subject in "abc" for k in (1, 2, 3)]
    assert set(pairs_of(table)) == {frozenset(pair) for pair in combinations(names, 2)}
    assert len(table) == 9 * 8 // 2


def test_presentations_with_fingers_in_turn_are_compared_once(index):
    rows = {
        "iris_left": make_both(index("iris_left", 3)),
        "fingerprint": make_both(index("fingerprint", 3, instances=("index", "thumb"))),
    }
    table, _ = list_trials(Figure("all", ("iris_left", "fingerprint")), rows)
    assert len(set(pairs_of(table))) == len(table) == 9 * 8 // 2


def test_record_that_is_never_presented_is_compared_all_the_same(index):
    """Somebody's fourth prints make a record; with two eyes there are two presentations only."""
    rows = {
        "iris_left": make_both(index("iris_left", 2)),
        "fingerprint": make_both(index("fingerprint", 4, instances=("index",))),
    }
    table, _ = list_trials(Figure("all", ("iris_left", "fingerprint")), rows)
    assert len(set(pairs_of(table))) == len(table)
    lone = table[table["reference"].str.endswith("/4")]
    assert set(lone["probe"]) >= {"a/1", "b/1", "c/1"}
    assert set(lone["reference_subject"]) == set("abc")


def test_eyes_on_both_sides_are_compared_both_ways_round_where_prints_are_not(index):
    """An impression of a's finger with b's print is not that of b's finger with a's print."""
    prints = index("fingerprint", 1, impressions=1).assign(protocol="subject_disjoint", split="test")
    rows = {"iris_left": make_both(index("iris_left", 2)), "fingerprint": prints}
    table, _ = list_trials(Figure("all", ("iris_left", "fingerprint")), rows)
    assert {("a/1", "b/1"), ("b/1", "a/1")} <= set(zip(table["probe"], table["reference"], strict=True))


@given(st.data())
@settings(max_examples=20, deadline=None)
def test_no_capture_meets_itself_and_no_pair_meets_twice_whatever_people_have(data):
    counts = st.integers(0, 3)
    rows = [
        (f"{subject}_{instance}_{k}", subject, "fingerprint", instance, k)
        for subject in ("a", "b", "c")
        for instance in ("index", "thumb")
        for k in range(1, data.draw(counts) + 1)
    ]
    rows += [(f"{subject}_eye_{k}", subject, "iris_left", "left", k) for subject in "abc" for k in (1, 2)]
    columns = ["capture_id", "subject_id", "modality", "instance", "capture_index"]
    table = pd.DataFrame(rows, columns=columns).assign(
        impression=0, role="both", split="test", protocol="subject_disjoint", status="ok", reason=None
    )
    indexes = {str(name): part for name, part in table.groupby("modality", sort=False)}
    trial = set_up_trial(indexes)
    for figure in trial.figures:
        made = tabulate_trial(lay_out(figure, trial))
        assert (made["probe"] != made["reference"]).all()
        assert len(set(pairs_of(made))) == len(made)
        if len(figure.modalities) == 1:
            held = [part["capture_id"] for _, part in indexes[figure.modalities[0]].groupby("instance")]
            assert len(made) == sum(len(part) * (len(part) - 1) // 2 for part in held)


# Trials


def test_subject_disjoint_compares_held_out_subjects_only(indexes):
    rows = {modality: make_both(table, "a") for modality, table in indexes.items()}
    trial = set_up_trial(rows)
    assert trial.kind == "subject_disjoint"
    for side in (trial.references["iris_left"], trial.probes["iris_left"]):
        assert set(side.subjects) == {"b", "c"}


def test_closed_set_enrols_training_captures(indexes):
    assert protocol_kind(indexes.values()) == "closed_set"
    assert set(select_references(indexes["iris_left"], "closed_set")["split"]) == {"train"}
    assert set(select_probes(indexes["iris_left"])["split"]) == {"test"}


def test_open_set_compares_strangers_with_everyone_enrolled(index):
    rows = index("iris_left", 2)
    stranger = rows["subject_id"] == "c"
    rows = rows.assign(
        protocol="open_set",
        role=rows["role"].mask(stranger, "probe"),
        split=rows["split"].mask(stranger, "test"),
    )
    table, _ = list_trials(Figure("iris_left", ("iris_left",)), {"iris_left": rows})
    assert set(table["reference_subject"]) == {"a", "b"}
    assert set(table["probe_subject"]) == {"a", "b", "c"}
    assert not table.loc[table["probe_subject"] == "c", "mated"].any()


def test_held_out_subjects_without_references_are_refused_under_their_own_protocol(index):
    rows = index("iris_left", 2).assign(protocol="subject_disjoint")
    rows.loc[rows["role"] == "reference", "split"] = "train"
    with pytest.raises(InputError, match="got 0 under subject_disjoint"):
        set_up_trial({"iris_left": rows})


@pytest.mark.parametrize("kinds", [("closed_set", "subject_disjoint"), ("unenrolled",) * 2])
def test_captures_of_no_one_protocol_are_refused(index, kinds):
    tables = [index("iris_left", 2).assign(protocol=kind) for kind in kinds]
    with pytest.raises(MismatchError, match=r"expected captures of one protocol of .* run data_engineering"):
        protocol_kind(tables)


def test_single_subject_is_refused_with_the_remedy(index):
    rows = index("iris_left", 3, subjects=("a",))
    with pytest.raises(InputError, match=r"at least two subjects .* got 1 under closed_set: add subjects"):
        set_up_trial({"iris_left": rows})


@pytest.mark.parametrize("reason", ["missing_file", "changed", "unreadable", "unexpected"])
def test_captures_that_could_not_be_read_are_no_failures_to_acquire(indexes, failed, reason):
    first = indexes["iris_right"]["capture_id"][3]
    broken = failed(indexes["iris_right"], first, indexes["iris_right"]["capture_id"][4], reason=reason)
    with pytest.raises(
        MismatchError, match=rf"got 2 {reason} \(first {first}\), which .* run data_engineering"
    ):
        set_up_trial({**indexes, "iris_right": broken})


def test_modality_without_probes_takes_no_part(index):
    left, right = index("iris_left", 2), index("iris_right", 1)
    trial = set_up_trial({"iris_left": left, "iris_right": right})
    assert trial.modalities == ("iris_left",)
    assert len(trial.probes["iris_right"]) == len(trial.references["iris_right"]) == 0


def test_modality_without_rows_is_left_out(index):
    rows = index("iris_left", 2)
    assert list(indexes_by_modality([rows.iloc[:0], rows])) == ["iris_left"]
