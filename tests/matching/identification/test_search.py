import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from selfsame.matching.identification.search import Owners, name_most_alike, subset_key

NAN = np.nan


def test_subject_counts_with_its_best_record():
    scores = np.float32([[0.1, 0.9, 0.4], [NAN, 0.2, NAN]])
    owners = Owners.of(np.array(["b", "a", "b"]))
    assert owners.subjects.tolist() == ["a", "b"]
    np.testing.assert_array_equal(owners.best(scores), np.float32([[0.9, 0.4], [0.2, NAN]]))


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_best_records_agree_with_a_loop(seed):
    rng = np.random.default_rng(seed)
    scores, whose = rng.normal(size=(4, 9)).astype(np.float32), rng.choice(list("abc"), 9)
    owners = Owners.of(whose)
    for column, subject in enumerate(owners.subjects):
        best = owners.best(scores)[:, column]
        np.testing.assert_array_equal(best, scores[:, whose == subject].max(axis=1))


def test_most_alike_subjects_come_first():
    scores = np.float32([[0.2, 0.9, 0.5], [0.2, NAN, 0.1]])
    names, best = name_most_alike(scores, np.array(["a", "b", "c"]), 2)
    assert names.tolist() == [["b", "c"], ["a", "c"]]
    np.testing.assert_array_equal(best, np.float32([[0.9, 0.5], [0.2, 0.1]]))


def test_fewer_subjects_than_asked_leave_empty_places():
    names, best = name_most_alike(np.float32([[0.5, NAN]]), np.array(["a", "b"]), 3)
    assert names.tolist() == [["a", "", ""]]
    np.testing.assert_array_equal(best, np.float32([[0.5, NAN, NAN]]))


def test_presentation_without_any_score_names_nobody():
    names, best = name_most_alike(np.float32([[NAN, NAN]]), np.array(["a", "b"]), 1)
    assert names.tolist() == [[""]]
    assert np.isnan(best).all()


def test_nobody_enrolled_names_nobody():
    owners = Owners.of(np.array([], dtype=str))
    best = owners.best(np.empty((2, 0), dtype=np.float32))
    names, scores = name_most_alike(best, owners.subjects, 1)
    assert names.tolist() == [[""], [""]]
    assert np.isnan(scores).all()


def test_batch_gives_what_single_presentations_give():
    scores = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    subjects = np.array(list("abcde"))
    names, _ = name_most_alike(scores, subjects, 3)
    for i in range(6):
        single, _ = name_most_alike(scores[i : i + 1], subjects, 3)
        assert single[0].tolist() == names[i].tolist()


def test_subset_is_named_after_its_modalities():
    assert subset_key(["iris_left", "fingerprint"]) == "iris_left+fingerprint"


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
@settings(max_examples=25, deadline=None)
def test_the_highest_scores_are_those_of_a_stable_sort(seed, count):
    rng = np.random.default_rng(seed)
    scores = np.where(rng.random((5, 9)) < 0.3, NAN, rng.integers(0, 4, (5, 9))).astype(np.float32)
    names = np.array(list("abcdefghi"))
    found, _ = name_most_alike(scores, names, count)
    for row, subjects in zip(scores, found.tolist(), strict=True):
        order = np.argsort(-np.where(np.isnan(row), -np.inf, row), kind="stable")
        expected = [names[i] for i in order if not np.isnan(row[i])][:count]
        assert [name for name in subjects if name] == expected
