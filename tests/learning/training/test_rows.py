import numpy as np
import pytest

from selfsame.errors import InputError
from selfsame.learning.training.rows import digest_captures, digest_splits, label_rows, map_labels
from selfsame.shards.arrays import ShardedArrays

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
    assert digest_captures(data.indexes, data.arrays) == digest_captures(shuffled, data.arrays)
    assert digest_splits(data.indexes) == digest_splits(shuffled)


def test_subjects_that_training_does_not_know_have_no_label(toy):
    data = toy()
    index = data.indexes["iris_left"]
    index.loc[index["subject_id"] == "s3", "split"] = "validation"
    labels = map_labels({"iris_left": index}, {"iris_left": "iris"})
    rows = label_rows(index, data.arrays["iris_left"], labels, encoder="iris", split="validation")
    assert set(rows.subjects) == {0, 1, 2}


@pytest.mark.parametrize("column", ["subject_id", "instance", "capture_id", "status"])
def test_digest_of_captures_changes_with_who_they_show(toy, column):
    data = toy()
    before = digest_captures(data.indexes, data.arrays)
    data.indexes["iris_left"].loc[0, column] = "other"
    assert digest_captures(data.indexes, data.arrays) != before


def test_digest_of_captures_changes_with_one_pixel(toy):
    data = toy()
    pixels = data.arrays["iris_left"].gather(np.arange(len(data.arrays["iris_left"])))
    pixels[3, 0, 5, 7] ^= 1
    changed = {**data.arrays, "iris_left": ShardedArrays({"iris_left": pixels})}
    assert digest_captures(data.indexes, changed) != digest_captures(data.indexes, data.arrays)


def test_digest_of_captures_knows_neither_shards_nor_rows_nor_splits(toy):
    data, other = toy(), toy()
    pixels = other.arrays["iris_left"].gather(np.arange(20))
    other.arrays["iris_left"] = ShardedArrays({"a": pixels[::-1][:5], "b": pixels[::-1][5:]})
    rows = 19 - other.indexes["iris_left"]["row"]
    shards = np.where(rows < 5, "a", "b")
    other.indexes["iris_left"] = other.indexes["iris_left"].assign(
        shard=shards, row=np.where(rows < 5, rows, rows - 5), split="test"
    )
    assert digest_captures(other.indexes, other.arrays) == digest_captures(data.indexes, data.arrays)


def test_digest_of_splits_changes_with_a_split_alone(toy):
    data = toy()
    before = digest_splits(data.indexes)
    data.indexes["iris_left"]["subject_id"] = "other"
    assert digest_splits(data.indexes) == before
    data.indexes["iris_left"].loc[0, "split"] = "test"
    assert digest_splits(data.indexes) != before


def test_modality_without_training_captures_is_refused(toy):
    indexes = toy().indexes
    indexes["iris_right"]["split"] = "test"
    with pytest.raises(InputError, match="captures of iris_right with split 'train'"):
        map_labels(indexes, ENCODER_OF)


def test_single_subject_is_refused(toy):
    with pytest.raises(InputError, match="2 training subjects or more, got 1"):
        map_labels(toy(subjects=1).indexes, ENCODER_OF)
