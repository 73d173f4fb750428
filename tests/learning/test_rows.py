import numpy as np
import pytest

from selfsame.errors import InputError
from selfsame.learning.rows import digest_data, label_rows, map_labels

ENCODER_OF = {"iris_left": "iris", "iris_right": "iris", "fingerprint": "fingerprint"}


def test_classes_are_the_instances_of_the_training_subjects(toy):
    labels = map_labels(toy(subjects=2).indexes, ENCODER_OF)
    assert labels.subjects == ("s0", "s1")
    assert labels.classes["iris"] == (("s0", "left"), ("s0", "right"), ("s1", "left"), ("s1", "right"))
    assert len(labels.classes["fingerprint"]) == 4


def test_rows_of_other_splits_and_failed_ones_are_left_out(toy):
    data = toy()
    index = data.indexes["iris_left"]
    index.loc[0, ["status", "row"]] = ["failed", -1]
    labels = map_labels(data.indexes, ENCODER_OF)
    rows = label_rows(index, data.arrays["iris_left"], labels, encoder="iris", split="train")
    chosen = index[(index["split"] == "train") & (index["status"] == "ok")]
    assert sorted(rows.rows) == chosen["row"].tolist()
    assert len(rows) == 11


def test_labels_belong_to_their_rows(toy):
    data = toy()
    labels = map_labels(data.indexes, ENCODER_OF)
    index = data.indexes["fingerprint"].sample(frac=1, random_state=0)
    rows = label_rows(index, data.arrays["fingerprint"], labels, encoder="fingerprint", split="train")
    by_row = index.set_index("row")
    for row, subject, label in zip(rows.rows, rows.subjects, rows.classes, strict=True):
        assert labels.subjects[subject] == by_row.loc[row, "subject_id"]
        assert labels.classes["fingerprint"][label] == tuple(by_row.loc[row, ["subject_id", "instance"]])


def test_order_of_the_index_does_not_matter(toy):
    data = toy()
    labels = map_labels(data.indexes, ENCODER_OF)
    index, arrays = data.indexes["iris_left"], data.arrays["iris_left"]
    rows = [
        label_rows(one, arrays, labels, encoder="iris", split="train").rows
        for one in (index, index.sample(frac=1, random_state=1))
    ]
    np.testing.assert_array_equal(*rows)
    shuffled = {**data.indexes, "iris_left": index.sample(frac=1, random_state=1)}
    assert digest_data(data.indexes, data.arrays) == digest_data(shuffled, data.arrays)


def test_subjects_that_training_does_not_know_have_no_label(toy):
    data = toy()
    index = data.indexes["iris_left"]
    index.loc[index["subject_id"] == "s3", "split"] = "validation"
    labels = map_labels({"iris_left": index}, {"iris_left": "iris"})
    rows = label_rows(index, data.arrays["iris_left"], labels, encoder="iris", split="validation")
    assert set(rows.subjects) == {0, 1, 2}


@pytest.mark.parametrize("column", ["split", "subject_id", "capture_id"])
def test_digest_changes_with_what_training_sees(toy, column):
    data = toy()
    before = digest_data(data.indexes, data.arrays)
    data.indexes["iris_left"].loc[0, column] = "other"
    assert digest_data(data.indexes, data.arrays) != before


def test_modality_without_training_captures_is_refused(toy):
    indexes = toy().indexes
    indexes["iris_right"]["split"] = "test"
    with pytest.raises(InputError, match="captures of iris_right with split 'train'"):
        map_labels(indexes, ENCODER_OF)


def test_single_subject_is_refused(toy):
    with pytest.raises(InputError, match="2 training subjects or more, but got 1"):
        map_labels(toy(subjects=1).indexes, ENCODER_OF)
