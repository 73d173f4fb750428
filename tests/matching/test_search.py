import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from selfsame.matching.search import best_per_subject, identify, subset_key

NAN = np.nan


def test_subject_counts_with_its_best_record():
    scores = np.float32([[0.1, 0.9, 0.4], [NAN, 0.2, NAN]])
    subjects, best = best_per_subject(scores, np.array(["b", "a", "b"]))
    assert subjects.tolist() == ["a", "b"]
    np.testing.assert_array_equal(best, np.float32([[0.9, 0.4], [0.2, NAN]]))


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_best_records_agree_with_a_loop(seed):
    rng = np.random.default_rng(seed)
    scores, owners = rng.normal(size=(4, 9)).astype(np.float32), rng.choice(list("abc"), 9)
    subjects, best = best_per_subject(scores, owners)
    for column, subject in enumerate(subjects):
        np.testing.assert_array_equal(best[:, column], scores[:, owners == subject].max(axis=1))


def test_most_alike_subjects_come_first_and_the_threshold_decides():
    scores = np.float32([[0.2, 0.9, 0.5], [0.2, NAN, 0.1]])
    found = identify(scores, np.array(["a", "b", "c"]), thresholds=np.array([0.9, 0.3]), count=2)
    assert found.subjects.tolist() == [["b", "c"], ["a", "c"]]
    np.testing.assert_array_equal(found.scores, np.float32([[0.9, 0.5], [0.2, 0.1]]))
    assert found.known.tolist() == [False, False]  # float32 of 0.9 lies below the float64 threshold
    assert identify(
        scores, np.array(list("abc")), thresholds=np.float32([0.9, 0.3]), count=2
    ).known.tolist() == [True, False]


def test_fewer_subjects_than_asked_leave_empty_places():
    found = identify(np.float32([[0.5, NAN]]), np.array(["a", "b"]), thresholds=np.array([0.1]), count=3)
    assert found.subjects.tolist() == [["a", "", ""]]
    assert np.isnan(found.scores[0, 1:]).all()


def test_presentation_without_any_score_is_unknown():
    found = identify(np.float32([[NAN, NAN]]), np.array(["a", "b"]), thresholds=np.array([-1.0]), count=1)
    assert found.known.tolist() == [False]
    assert found.subjects.tolist() == [[""]]


def test_nobody_enrolled_makes_everybody_unknown():
    subjects, best = best_per_subject(np.empty((2, 0), dtype=np.float32), np.array([], dtype=str))
    found = identify(best, subjects, thresholds=np.array([0.0, 0.0]), count=1)
    assert found.known.tolist() == [False, False]


def test_batch_gives_what_single_presentations_give():
    scores = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    names, limits = np.array(list("abcde")), np.linspace(-1, 1, 6)
    batch = identify(scores, names, thresholds=limits, count=3)
    for i in range(6):
        single = identify(scores[i : i + 1], names, thresholds=limits[i : i + 1], count=3)
        assert single.subjects[0].tolist() == batch.subjects[i].tolist()
        assert single.known[0] == batch.known[i]


def test_subset_is_named_after_its_modalities():
    assert subset_key(["iris_left", "fingerprint"]) == "iris_left+fingerprint"


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
@settings(max_examples=25, deadline=None)
def test_the_highest_scores_are_those_of_a_stable_sort(seed, count):
    rng = np.random.default_rng(seed)
    scores = np.where(rng.random((5, 9)) < 0.3, NAN, rng.integers(0, 4, (5, 9))).astype(np.float32)
    names = np.array(list("abcdefghi"))
    found = identify(scores, names, thresholds=np.zeros(5), count=count)
    for row, subjects in zip(scores, found.subjects.tolist(), strict=True):
        order = np.argsort(-np.where(np.isnan(row), -np.inf, row), kind="stable")
        expected = [names[i] for i in order if not np.isnan(row[i])][:count]
        assert [name for name in subjects if name] == expected
