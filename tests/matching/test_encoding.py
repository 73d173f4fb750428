"""Templates by several comparators: what is learnt from whom, and what makes templates comparable."""

from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from selfsame.errors import DamagedError, MismatchError
from selfsame.face.eigenfaces import EigenfaceSettings
from selfsame.matching.comparators import (
    EigenfaceComparator,
    LearnsNothing,
    compare_cosines,
    read_compare,
    write_settings,
)
from selfsame.matching.encoding import FITTED_COLUMNS, compare_all, encode_all, fit_all
from selfsame.matching.pairs import PAIR_COLUMNS, index_trained
from selfsame.matching.templates import ANY, ANY_FOLD, TEMPLATE_COLUMNS, unpack_templates
from selfsame.protocols.assignment import list_folds, view_fold
from selfsame.protocols.names import PROTOCOLS
from selfsame.shards.arrays import ShardedArrays

PEOPLE = tuple("abcdef")
FACES = EigenfaceComparator(kind="eigenfaces", components=5, whitening=False)


class Means(EigenfaceSettings, LearnsNothing):
    """A classical comparator that is quick: images as vectors of unit length."""

    modules: ClassVar[tuple[str, ...]] = ("selfsame.face.eigenfaces",)

    def encode(self, rows, learnt):
        flat = rows[:, 0].reshape(len(rows), -1).astype(np.float32)
        return flat / np.linalg.norm(flat, axis=1, keepdims=True)

    def compare(self, probes, references):
        return compare_cosines(probes, references)


COMPARATORS = {"means": Means(components=1, whitening=False), "faces": FACES}


def draw(index, seed=0):
    pixels = np.random.default_rng(seed).integers(1, 255, (len(index), 2, 6, 5), dtype=np.uint8)
    return ShardedArrays({"face": pixels})


@pytest.fixture(scope="module")
def faces(index):
    return index("face", 3, subjects=PEOPLE, instances=("face",))


@pytest.fixture(scope="module")
def given(assignments, faces):
    return assignments(faces, folds=3)


@pytest.fixture(scope="module")
def fitted(faces, given):
    return fit_all(COMPARATORS, draw(faces), faces, given)


def encode(faces, fitted, arrays=None, comparators=COMPARATORS, **how):
    how = {"batch_size": 4, "workers": 1, **how}
    return encode_all(comparators, fitted, draw(faces) if arrays is None else arrays, faces, **how)


def test_what_learns_is_fitted_for_every_fold_and_nothing_else_is(fitted):
    assert list(fitted.columns) == FITTED_COLUMNS
    assert set(fitted["comparator"]) == {"faces"}
    folds = fitted[["protocol", "fold"]].drop_duplicates().itertuples(index=False, name=None)
    assert list(folds) == [
        ("closed_set", 0), ("subject_disjoint", 0), ("subject_disjoint", 1), ("subject_disjoint", 2),
        ("open_set", 0),
    ]  # fmt: skip


def test_captures_of_the_test_teach_nothing_in_any_fold(faces, given, fitted):
    for protocol in PROTOCOLS:
        for fold in list_folds(given, protocol):
            view = view_fold(faces, given, protocol, fold)
            tested = view.loc[view["split"] != "train", "row"].to_numpy()
            pixels = draw(faces).gather(np.arange(len(faces)))
            pixels[tested] = 255 - pixels[tested]  # poison
            again = fit_all(COMPARATORS, ShardedArrays({"face": pixels}), faces, given)
            here = (fitted["protocol"] == protocol) & (fitted["fold"] == fold)
            pd.testing.assert_frame_equal(again[here.to_numpy()], fitted[here])
            assert len(tested)


def test_captures_for_training_do_teach(faces, given, fitted):
    other = fit_all(COMPARATORS, draw(faces, seed=1), faces, given)
    assert (other["values"] != fitted["values"]).any()


def test_failed_captures_are_neither_learnt_from_nor_encoded(faces, given, failed):
    rows = failed(faces, "a_face_face_1", "b_face_face_2").assign(row=faces["row"])
    rows.loc[rows["status"] == "failed", ["row", "shard"]] = [-1, None]
    made = encode(rows, fit_all(COMPARATORS, draw(faces), rows, given))
    counts = made.groupby(["comparator", "protocol", "fold"]).size()
    assert set(counts) == {len(faces) - 2}
    assert not {"a_face_face_1", "b_face_face_2"} & set(made["capture_id"])


def test_fold_without_training_captures_has_no_templates(faces, assignments):
    nobody = assignments(faces, folds=1)
    fitted = fit_all(COMPARATORS, draw(faces), faces, nobody)
    assert set(fitted["protocol"]) == {"closed_set", "open_set"}
    made = encode(faces, fitted)
    assert set(made.loc[made["comparator"] == "faces", "protocol"]) == {"closed_set", "open_set"}


def test_templates_of_what_learns_nothing_serve_every_fold(faces, fitted):
    made = encode(faces, fitted)
    assert list(made.columns) == TEMPLATE_COLUMNS
    means = made[made["comparator"] == "means"]
    assert set(zip(means["protocol"], means["fold"], strict=True)) == {(ANY, ANY_FOLD)}
    assert means["capture_id"].tolist() == faces["capture_id"].tolist()
    stack = draw(faces).gather(np.arange(len(faces)))
    np.testing.assert_array_equal(unpack_templates(means["template"]), COMPARATORS["means"].encode(stack, {}))


def test_workers_change_nothing(faces, fitted):
    alone, together = (encode(faces, fitted, comparators={"faces": FACES}, workers=count) for count in (1, 2))
    pd.testing.assert_frame_equal(together, alone)


def test_batches_change_nothing(faces, fitted):
    means = {"means": COMPARATORS["means"]}
    few, all_at_once = (
        encode(faces, fitted.head(0), comparators=means, batch_size=size) for size in (4, 100)
    )
    pd.testing.assert_frame_equal(few, all_at_once)


def test_what_another_comparator_learnt_is_refused(faces, fitted):
    with pytest.raises(MismatchError, match="expected what means learnt, got what faces learnt: run eval"):
        encode(faces, fitted, comparators={"means": COMPARATORS["means"]})


def test_version_names_settings_and_what_was_learnt(faces, given, fitted):
    def versions(made):
        return made.groupby(["comparator", "protocol", "fold"])["version"].agg(["nunique", "first"])

    first = versions(encode(faces, fitted))
    assert set(first["nunique"]) == {1}
    assert first["first"].nunique() == len(first)  # of each fold another
    other = {**COMPARATORS, "means": Means(components=2, whitening=False)}
    second = versions(encode(faces, fitted, comparators=other))
    assert first.loc["means", "first"].tolist() != second.loc["means", "first"].tolist()
    assert first.loc["faces", "first"].tolist() == second.loc["faces", "first"].tolist()
    retaught = versions(encode(faces, fit_all(COMPARATORS, draw(faces, seed=2), faces, given)))
    assert not set(retaught.loc["faces", "first"]) & set(first.loc["faces", "first"])


def test_every_comparator_and_fold_has_its_own_pairs(faces, fitted):
    pairs = compare_all(COMPARATORS, encode(faces, fitted), workers=1)
    assert list(pairs.columns) == PAIR_COLUMNS
    counts = pairs.groupby(["comparator", "protocol", "fold"]).size()
    assert set(counts) == {18 * 17 // 2}
    assert len(counts) == 1 + 5
    folds = [index_trained([pairs], "subject_disjoint", k)["face", "faces"].scores for k in (0, 1)]
    assert not np.allclose(*folds, equal_nan=True)


def test_modality_without_comparators_or_captures_has_empty_tables(faces, given, fitted):
    nothing = fit_all({}, draw(faces), faces, given)
    assert list(nothing.columns) == FITTED_COLUMNS
    for made in (encode(faces, nothing, comparators={}), encode(faces.head(0), fitted.head(0))):
        assert list(made.columns) == TEMPLATE_COLUMNS
        assert made.empty
        assert compare_all(COMPARATORS, made, workers=1).empty
    assert fit_all(COMPARATORS, draw(faces), faces.head(0), given).empty


def test_empty_tables_survive_parquet(faces, given, tmp_path):
    tables = {
        "fitted": fit_all({}, draw(faces), faces, given),
        "templates": encode(faces.head(0), fit_all({}, draw(faces), faces, given), comparators={}),
    }
    for name, table in tables.items():
        table.to_parquet(tmp_path / name, index=False)
        assert list(pd.read_parquet(tmp_path / name).columns) == list(table.columns)


def test_settings_that_were_written_compare_alike(faces, fitted):
    made = encode(faces, fitted)
    stack = unpack_templates(made[made["comparator"] == "faces"].head(5)["template"])
    again = read_compare("faces", write_settings(FACES))
    np.testing.assert_array_equal(again(stack, stack), FACES.compare(stack, stack))
    np.testing.assert_array_equal(read_compare("cosine", "{}")(stack, stack), compare_cosines(stack, stack))


@pytest.mark.parametrize("settings", ["{}", '{"kind": "astrology"}', "no JSON", '{"kind": "eigenfaces"}'])
def test_settings_of_no_comparator_are_refused(settings):
    with pytest.raises(DamagedError, match=r"^expected the settings of comparator faces, got .* again$"):
        read_compare("faces", settings)
