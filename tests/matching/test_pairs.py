import re

import numpy as np
import pandas as pd
import pytest

from selfsame.errors import MismatchError
from selfsame.matching import pairs as subject
from selfsame.matching.comparators import compare_cosines
from selfsame.matching.pairs import (
    PAIR_COLUMNS,
    compare_templates,
    index_pairs,
    index_trained,
    index_untrained,
)
from selfsame.matching.templates import Captures, list_captures, unpack_templates


def keys(pairs):
    return {frozenset(pair) for pair in zip(pairs["first"], pairs["second"], strict=True)}


def test_every_pair_of_captures_of_an_instance_is_compared_once(index, templates, monkeypatch):
    monkeypatch.setattr(subject, "BLOCK", 4)  # so that an instance takes several blocks
    rows = index("fingerprint", 3, instances=("index", "thumb"))
    table = templates(rows).sample(frac=1, random_state=0)
    pairs = compare_templates(table, compare_cosines, workers=1)
    assert list(pairs.columns) == PAIR_COLUMNS
    names = table["capture_id"].groupby(table["instance"]).apply(list)
    wanted = {frozenset({a, b}) for group in names for a in group for b in group if a != b}
    assert keys(pairs) == wanted
    assert len(pairs) == len(wanted) == 2 * 9 * 8 // 2


def test_each_pair_has_the_score_of_its_own_two_templates(index, templates):
    table = templates(index("fingerprint", 3, instances=("index", "thumb"), impressions=1))
    vectors = dict(
        zip(list_captures(table).names, unpack_templates(table["template"]), strict=True)
    )  # the table is in the order of the captures
    pairs = compare_templates(table, compare_cosines, workers=1)
    by_hand = [vectors[a] @ vectors[b] for a, b in zip(pairs["first"], pairs["second"], strict=True)]
    np.testing.assert_allclose(pairs["score"], by_hand, atol=1e-6)
    assert pairs["score"].dtype == np.float32


def test_pairs_that_cannot_be_compared_are_no_rows(index, templates):
    def compare(probes, references):
        scores = compare_cosines(probes, references)
        scores[:, -1] = np.nan
        return scores

    table = templates(index("iris_left", 1))
    pairs = compare_templates(table, compare, workers=1)
    assert keys(pairs) == {frozenset({"a_iris_left_left_1", "b_iris_left_left_1"})}


def test_a_single_capture_makes_no_pair(index, templates):
    pairs = compare_templates(templates(index("iris_left", 1, subjects=("a",))), compare_cosines, workers=1)
    assert list(pairs.columns) == PAIR_COLUMNS
    assert pairs.empty


def test_workers_and_order_of_rows_change_nothing(index, templates, monkeypatch):
    monkeypatch.setattr(subject, "BLOCK", 4)
    table = templates(index("iris_left", 4))
    alone = compare_templates(table, compare_cosines, workers=1)
    together = compare_templates(table.sample(frac=1, random_state=2), compare_cosines, workers=2)
    pd.testing.assert_frame_equal(alone, together)


@pytest.fixture
def scores(index, pairs):
    return index_pairs(pairs(index("iris_left", 2)))


def test_scores_are_the_same_either_way_round(scores):
    np.testing.assert_array_equal(scores.scores, scores.scores.T)
    assert np.isnan(np.diag(scores.scores)).all()  # no capture is compared with itself
    assert np.isfinite(scores.scores).sum() == 6 * 5


def take(names):
    return Captures(np.array(names), np.array(["?"] * len(names)), np.array(["left"] * len(names)))


def test_look_up_finds_the_pair_and_knows_nothing_of_other_captures(index, pairs, scores):
    table = pairs(index("iris_left", 2)).set_index(["first", "second"])["score"]
    names = [f"{subject}_iris_left_left_{k}" for subject, k in (("a", 1), ("a", 2), ("b", 1))]
    look_up = scores.between(take([*names, "zz"]), take(["", *reversed(names)]))
    found = look_up(np.array([3, 1, 0]), np.array([0, 1, 3]))
    assert np.isnan(found[0]).all()
    assert np.isnan(found[:, 0]).all()
    assert found[1, 1] == table["a_iris_left_left_2", "b_iris_left_left_1"]
    assert found[1, 2] == table["a_iris_left_left_1", "a_iris_left_left_2"]
    assert np.isnan(found[2, 2])  # a capture with itself


def test_look_up_where_nothing_was_compared_gives_nothing():
    nothing = index_pairs(pd.DataFrame({"first": [], "second": [], "score": []}).astype({"first": "str"}))
    found = nothing.between(take(["a", "b"]), take(["a"]))(np.arange(2), np.arange(1))
    assert np.isnan(found).all()
    assert found.shape == (2, 1)


def test_a_fold_is_served_by_what_was_trained_for_it_alone(index, pairs):
    rows = index("iris_left", 2)
    tables = [
        pairs(rows, comparator="code"),
        pairs(rows, comparator="faces", protocol="closed_set", fold=0),
        pairs(rows, comparator="cosine", protocol="subject_disjoint", fold=1),
    ]
    assert set(index_untrained(tables)) == {("iris_left", "code")}
    assert set(index_trained(tables, "closed_set", 0)) == {("iris_left", "faces")}
    assert set(index_trained(tables, "subject_disjoint", 1)) == {("iris_left", "cosine")}
    assert index_trained(tables, "subject_disjoint", 0) == {}


def test_two_sets_of_scores_under_one_name_are_refused(index, pairs):
    rows = index("iris_left", 2)
    with pytest.raises(MismatchError, match="one set of code scores of iris_left, got two"):
        index_untrained([pairs(rows), pairs(rows, seed=1)])


def test_long_comparisons_tell_how_far_they_are(index, templates, monkeypatch, caplog):
    monkeypatch.setattr(subject, "BLOCK", 4)
    monkeypatch.setattr("selfsame.parallel.progress.EVERY_S", 0.0)
    caplog.set_level("INFO")
    compare_templates(templates(index("fingerprint", 9, instances=("index",))), compare_cosines, workers=1)
    assert re.fullmatch(r"fingerprint scores by \w+: 1 of \d+ blocks", caplog.messages[0])
