import numpy as np

from selfsame.matching.comparators import compare_cosines
from selfsame.matching.presentations import reference_records, single_presentations
from selfsame.matching.scoring import attempted, score_modality

NAN = np.nan


def look_up(matrix):
    """What gives the scores of a matrix of probe captures by reference captures."""
    return lambda shown, kept: np.float32(matrix)[np.ix_(shown, kept)]


def test_finger_is_compared_with_the_same_finger_only(captures):
    probes = captures([("a", "index"), ("b", "thumb")])
    references = captures([("a", "index"), ("a", "thumb"), ("b", "index")])
    records = reference_records({"fingerprint": references})
    scores = score_modality(
        "fingerprint",
        single_presentations("fingerprint", probes),
        probes,
        records,
        look_up([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]),
    )
    np.testing.assert_allclose(scores, [[0.1, 0.3], [0.5, NAN]], atol=1e-6)


def test_capture_without_a_template_has_no_score_but_was_attempted(captures):
    probes = references = captures([("a", "left"), ("b", "left")])
    shown, records = single_presentations("iris_left", probes), reference_records({"iris_left": references})
    scores = score_modality("iris_left", shown, probes, records, look_up([[NAN, NAN], [1, 0]]))
    assert np.isnan(scores).tolist() == [[True, True], [False, False]]
    assert attempted("iris_left", shown, probes, records).all()


def test_side_without_captures_of_a_modality_gives_nothing(captures):
    none, some = captures([]), captures([("a", "left")])
    records = reference_records({"iris_left": none, "iris_right": some})
    shown = single_presentations("iris_left", none)
    assert attempted("iris_left", shown, none, records).shape == (0, 1)
    assert len(reference_records({"iris_left": none})) == 0


def test_cosines_of_unit_vectors_stay_in_their_range():
    vectors = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = compare_cosines(vectors, vectors)
    assert np.abs(scores).max() <= 1
    np.testing.assert_array_equal(scores, scores.T)
    np.testing.assert_allclose(scores, vectors.astype(float) @ vectors.T.astype(float), atol=1e-6)
