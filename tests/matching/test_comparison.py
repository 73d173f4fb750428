import numpy as np
import pytest

from selfsame.errors import InputError, MismatchError
from selfsame.matching.comparison import SCORE_COLUMNS, compare, count_attempts, tabulate_scores
from selfsame.matching.figures import name_figures, subsets
from selfsame.matching.protocol import protocol_kind, select_references
from selfsame.matching.trial import indexes_by_modality, set_up_trial

WEIGHTS = {"iris_left": 0.4, "iris_right": 0.4, "fingerprint": 0.2}


@pytest.fixture
def indexes(index):
    fingers = index("fingerprint", 1, instances=("right_index", "right_thumb"), impressions=2)
    eyes = [index(f"iris_{side}", 5, instances=(side,), references=(1, 2, 3)) for side in ("left", "right")]
    return indexes_by_modality([*eyes, fingers])


@pytest.fixture
def trial(indexes, embeddings):
    return set_up_trial(indexes, embeddings(*indexes.values()))


def test_synthetic_probes_are_named_so_and_irises_come_before_all(trial):
    names = [figure.name for figure in trial.figures]
    assert names == ["iris_left", "iris_right", "fingerprint_synthetic_impressions", "irises", "all"]


def test_real_second_captures_are_not_called_synthetic(index):
    assert [figure.name for figure in name_figures({"fingerprint": index("fingerprint", 2)})] == [
        "fingerprint"
    ]


def test_every_probe_print_is_compared_with_the_same_finger_of_every_subject(trial):
    figure = trial.figures[2]
    table = tabulate_scores({figure: compare(figure, trial.probes, trial.references, WEIGHTS)})
    assert list(table.columns) == SCORE_COLUMNS
    assert len(table) == 3 * 2 * 2 * 3  # subjects x fingers x impressions x enrolled subjects
    assert table["mated"].sum() == 3 * 2 * 2
    assert not table["score"].isna().any()
    assert table["score"].dtype == np.float32


def test_irises_are_compared_with_every_reference_capture(trial):
    compared = compare(trial.figures[0], trial.probes, trial.references, WEIGHTS)
    assert compared.scores.shape == (3 * 2, 3 * 3)
    assert compared.mated.sum() == 3 * 2 * 3


def test_fused_scores_are_the_weighted_mean_of_the_modalities_shown(trial):
    compared = compare(trial.figures[3], trial.probes, trial.references, WEIGHTS)
    singles = [
        compare(figure, trial.probes, trial.references, WEIGHTS).scores for figure in trial.figures[:2]
    ]
    np.testing.assert_allclose(compared.scores, (singles[0] + singles[1]) / 2, atol=1e-6)
    assert compared.complete.all()


def test_failed_eye_leaves_the_other_and_is_counted(indexes, embeddings):
    left = indexes["iris_left"]
    left.loc[(left["subject_id"] == "a") & (left["capture_index"] == 4), "status"] = "failed"
    trial = set_up_trial(indexes, embeddings(*indexes.values()))
    alone, irises = (compare(trial.figures[i], trial.probes, trial.references, WEIGHTS) for i in (0, 3))
    assert count_attempts(alone).set_index("subject_id").to_dict("list") == {
        "mated_attempted": [6, 6, 6],
        "mated_failed": [3, 0, 0],
        "probes_attempted": [2, 2, 2],
        "probes_failed": [1, 0, 0],
    }
    assert count_attempts(irises)["mated_failed"].sum() == 0
    assert irises.complete.sum() == 5 * 9
    assert len(tabulate_scores({trial.figures[0]: alone})) == 5 * 9


def test_subject_disjoint_compares_held_out_subjects_only(indexes, embeddings):
    for rows in indexes.values():
        rows["split"] = np.where(rows["subject_id"] == "a", "train", "test")
        rows["protocol"] = "subject_disjoint"
    trial = set_up_trial(indexes, embeddings(*indexes.values()))
    assert trial.kind == "subject_disjoint"
    assert (
        set(trial.references["iris_left"].subjects) == set(trial.probes["iris_left"].subjects) == {"b", "c"}
    )


def test_closed_set_enrols_training_captures(indexes):
    assert protocol_kind(indexes.values()) == "closed_set"
    assert set(select_references(indexes["iris_left"], "closed_set")["split"]) == {"train"}


def test_held_out_subjects_without_references_are_refused_under_their_own_protocol(index, embeddings):
    rows = index("iris_left", 2).assign(protocol="subject_disjoint")
    rows.loc[rows["role"] == "reference", "split"] = "train"
    with pytest.raises(InputError, match="got 0 under subject_disjoint"):
        set_up_trial({"iris_left": rows}, embeddings(rows))


@pytest.mark.parametrize("kinds", [("closed_set", "subject_disjoint"), ("unenrolled",) * 2])
def test_captures_of_no_one_protocol_are_refused(index, kinds):
    tables = [index("iris_left", 2).assign(protocol=kind) for kind in kinds]
    with pytest.raises(MismatchError, match=r"expected captures of one protocol, .* run data_engineering"):
        protocol_kind(tables)


def test_single_subject_is_refused_with_the_remedy(index, embeddings):
    rows = index("iris_left", 3, subjects=("a",))
    with pytest.raises(InputError, match=r"at least two subjects .* got 1 under closed_set: add subjects"):
        set_up_trial({"iris_left": rows}, embeddings(rows))


@pytest.mark.parametrize("reason", ["missing_file", "changed", "unreadable", "unexpected"])
def test_captures_that_could_not_be_read_are_no_failures_to_acquire(indexes, embeddings, reason):
    table = embeddings(*indexes.values())
    indexes["iris_right"].loc[[3, 4], ["status", "reason"]] = ["failed", reason]
    first = indexes["iris_right"]["capture_id"][3]
    with pytest.raises(
        MismatchError, match=rf"got 2 {reason} \(first {first}\), which .* run data_engineering"
    ):
        set_up_trial(indexes, table)


def test_modality_without_rows_is_left_out(index):
    rows = index("iris_left", 2)
    assert list(indexes_by_modality([rows.iloc[:0], rows])) == ["iris_left"]


def test_every_subset_of_modalities_is_listed_once_in_order():
    listed = subsets(("l", "r", "f"))
    assert listed == [("l",), ("r",), ("f",), ("l", "r"), ("l", "f"), ("r", "f"), ("l", "r", "f")]
