import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from selfsame.errors import InputError
from selfsame.matching.presentations import reference_records, single_presentations
from selfsame.matching.scoring import attempted, cosine, fuse, score_modality

NAN = np.nan


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_cosine_agrees_with_scipy_and_is_symmetric(seed):
    rng = np.random.default_rng(seed)
    left, right = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in rng.normal(size=(2, 5, 16)))
    scores = cosine(left.astype(np.float32), right.astype(np.float32))
    np.testing.assert_allclose(scores, 1 - cdist(left, right, "cosine"), atol=1e-6)  # float32 rounding
    np.testing.assert_allclose(scores, cosine(right.astype(np.float32), left.astype(np.float32)).T, atol=1e-6)
    assert np.abs(scores).max() <= 1


def test_finger_is_compared_with_the_same_finger_only(templates):
    probes = templates([("a", "index"), ("b", "thumb")], [[1, 0], [0, 1]])
    references = templates([("a", "index"), ("a", "thumb"), ("b", "index")], [[1, 0], [0.6, 0.8], [0, 1]])
    records = reference_records({"fingerprint": references})
    scores = score_modality(
        "fingerprint", single_presentations("fingerprint", probes), probes, records, references
    )
    np.testing.assert_allclose(scores, [[1, 0], [0.8, NAN]], atol=1e-6)


def test_failed_capture_has_no_score_but_was_attempted(templates):
    probes = templates([("a", "left"), ("b", "left")], [[NAN, NAN], [1, 0]])
    references = templates([("a", "left"), ("b", "left")])
    shown, records = single_presentations("iris_left", probes), reference_records({"iris_left": references})
    scores = score_modality("iris_left", shown, probes, records, references)
    assert np.isnan(scores).tolist() == [[True, True], [False, False]]
    assert attempted("iris_left", shown, probes, records).all()


def test_fused_score_by_hand():
    scores = {"left": np.array([0.8, 0.8, NAN, NAN]), "finger": np.array([0.2, NAN, 0.2, NAN])}
    fused = fuse(scores, {"left": 3.0, "finger": 1.0}, ("left", "finger"))
    np.testing.assert_allclose(fused, [(3 * 0.8 + 0.2) / 4, 0.8, 0.2, NAN], rtol=1e-6)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=2), st.floats(0.1, 10), st.floats(0.1, 10))
def test_fused_score_lies_between_its_parts_and_depends_on_the_ratio_of_weights(pair, first, second):
    scores = {"x": np.array([pair[0]]), "y": np.array([pair[1]])}
    fused = fuse(scores, {"x": first, "y": second}, ("x", "y"))
    assert min(pair) - 1e-6 <= fused[0] <= max(pair) + 1e-6
    np.testing.assert_allclose(fused, fuse(scores, {"x": 2 * first, "y": 2 * second}, ("y", "x")), atol=1e-6)


def test_modality_that_takes_no_part_is_ignored():
    scores = {"x": np.array([0.5]), "y": np.array([-1.0])}
    np.testing.assert_allclose(fuse(scores, {"x": 1.0, "y": 5.0}, ("x",)), [0.5])


def test_modality_without_a_weight_is_refused():
    with pytest.raises(InputError, match="expected a weight above 0 for y, got None"):
        fuse({"x": np.zeros(1), "y": np.zeros(1)}, {"x": 1.0}, ("x", "y"))
