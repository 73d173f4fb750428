import numpy as np
import pandas as pd
import pytest

from selfsame.matching.prediction import predict, present_each_once
from selfsame.matching.templates import Templates

EYE = {"weights": {"iris_left": 1.0, "iris_right": 1.0}, "count": 2}


def templates(subjects: list[str], vectors: list[list[float]], instance: str = "left") -> Templates:
    return Templates(
        names=np.array([f"{instance}-{i}" for i in range(len(subjects))]),
        subjects=np.array(subjects),
        instances=np.array([instance] * len(subjects)),
        vectors=np.array(vectors, dtype=np.float32).reshape(len(subjects), -1),
    )


ENROLLED = templates(["ann", "bob"], [[1.0, 0.0], [0.0, 1.0]])


def test_the_most_alike_subject_is_named_above_the_threshold() -> None:
    probes = templates(["x"], [[0.8, 0.6]])
    found = predict({"iris_left": probes}, {"iris_left": ENROLLED}, thresholds={"iris_left": 0.7}, **EYE)
    assert found.loc[0, "status"] == "identified"
    assert found.loc[0, "identity"] == "ann"
    assert found.loc[0, "candidates"] == ["ann", "bob"]
    assert found.loc[0, "candidate_scores"] == pytest.approx([0.8, 0.6])


def test_a_score_below_the_threshold_is_answered_as_unknown_with_its_candidates() -> None:
    probes = templates(["x"], [[0.8, 0.6]])
    found = predict({"iris_left": probes}, {"iris_left": ENROLLED}, thresholds={"iris_left": 0.9}, **EYE)
    assert (found.loc[0, "status"], found.loc[0, "identity"]) == ("unknown", "unknown")
    assert found.loc[0, "candidates"] == ["ann", "bob"]


def test_the_threshold_is_that_of_the_modalities_compared() -> None:
    right = templates(["ann", "bob"], [[1.0, 0.0], [0.0, 1.0]], "right")
    probes = {
        "iris_left": templates(["x", "y"], [[0.8, 0.6], [0.8, 0.6]]),
        "iris_right": templates(["x"], [[0.8, 0.6]], "right"),
    }
    thresholds = {"iris_left": 0.9, "iris_left+iris_right": 0.7}
    found = predict(probes, {"iris_left": ENROLLED, "iris_right": right}, thresholds=thresholds, **EYE)
    assert found["modalities"].tolist() == ["iris_left+iris_right", "iris_left"]
    assert found["status"].tolist() == ["identified", "unknown"]


def test_a_subject_enrolled_with_one_eye_has_to_reach_the_threshold_of_one_eye() -> None:
    right = templates(["bob"], [[0.0, 1.0]], "right")  # ann enrolled her left eye only
    probes = {
        "iris_left": templates(["x"], [[0.8, 0.6]]),
        "iris_right": templates(["x"], [[0.8, 0.6]], "right"),
    }
    thresholds = {"iris_left": 0.95, "iris_right": 0.95, "iris_left+iris_right": 0.6}
    found = predict(probes, {"iris_left": ENROLLED, "iris_right": right}, thresholds=thresholds, **EYE)
    assert (found.loc[0, "modalities"], found.loc[0, "threshold"]) == ("iris_left", 0.95)
    assert found.loc[0, "status"] == "unknown"


def test_nothing_presented_gives_no_answer() -> None:
    assert predict({}, {}, thresholds={}, **EYE).empty


def test_a_presentation_without_a_template_fails_with_a_reason() -> None:
    probes = templates(["x"], [[np.nan, np.nan]])
    found = predict({"iris_left": probes}, {"iris_left": ENROLLED}, thresholds={"iris_left": 0.9}, **EYE)
    assert found.loc[0, "status"] == "failed"
    assert "no capture" in found.loc[0, "reason"]
    assert pd.isna(found.loc[0, "identity"])


def test_modalities_without_a_threshold_are_not_decided() -> None:
    probes = templates(["x"], [[0.8, 0.6]])
    found = predict({"iris_left": probes}, {"iris_left": ENROLLED}, thresholds={}, **EYE)
    assert found.loc[0, "status"] == "failed"
    assert "no threshold for iris_left" in found.loc[0, "reason"]


def test_every_new_capture_is_presented_exactly_once() -> None:
    probes = {
        "iris_left": templates(["x", "x", "y"], [[1, 0], [0, 1], [1, 0]]),
        "fingerprint": templates(["x", "x", "x"], [[1, 0], [0, 1], [1, 0]], "right_thumb"),
    }
    presentations = present_each_once(probes)
    assert presentations.names.tolist() == ["x/1", "x/2", "x/3", "y/1"]
    for modality, shown in presentations.rows.items():
        assert sorted(shown[shown >= 0].tolist()) == list(range(len(probes[modality])))


def test_a_presentation_is_answered_alike_alone_and_in_a_batch() -> None:
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(6, 2))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    names = [f"p{i}" for i in range(6)]
    settings = {"thresholds": {"iris_left": 0.5}, **EYE}
    batch = predict({"iris_left": templates(names, vectors.tolist())}, {"iris_left": ENROLLED}, **settings)
    for i, name in enumerate(names):
        alone = predict(
            {"iris_left": templates([name], [vectors[i].tolist()])}, {"iris_left": ENROLLED}, **settings
        )
        assert alone.loc[0, "identity"] == batch.loc[i, "identity"]
        assert alone.loc[0, "score"] == pytest.approx(batch.loc[i, "score"], abs=1e-6)
