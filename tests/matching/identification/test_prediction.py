import numpy as np
import pandas as pd
import pytest

from selfsame.matching.identification.prediction import predict, present_each_once
from selfsame.matching.templates import Captures

ALL = ("iris_left", "iris_right")


def captures(subjects: list[str], instance: str = "left") -> Captures:
    names = np.array([f"{instance}-{i}" for i in range(len(subjects))], dtype=str)
    return Captures(names, np.array(subjects, dtype=str), np.array([instance] * len(subjects), dtype=str))


def look_up(matrix: list[list[float]]):
    """Scores of new captures by enrolled captures."""
    table = np.array(matrix, dtype=np.float32)
    return lambda shown, kept: table[np.ix_(shown, kept)]


def mean(scores):
    """A fusion: the mean of the scores that are there."""
    given = ~np.isnan(scores)
    total = np.where(given, scores, 0).sum(axis=1)
    return np.divide(total, given.sum(axis=1), out=np.full(len(scores), np.nan), where=given.any(axis=1))


ENROLLED = captures(["ann", "bob"])


def ask(probes, enrolled, scores, thresholds):
    return predict(
        probes,
        enrolled,
        score={modality: look_up(matrix) for modality, matrix in scores.items()},
        fuse=mean,
        thresholds=thresholds,
        count=2,
    )


def ask_one(scores, threshold):
    thresholds = {} if threshold is None else {"iris_left": threshold}
    return ask({"iris_left": captures(["x"])}, {"iris_left": ENROLLED}, {"iris_left": [scores]}, thresholds)


def test_the_most_alike_subject_is_named_above_the_threshold() -> None:
    found = ask_one([0.8, 0.6], 0.7)
    assert found.loc[0, "status"] == "identified"
    assert found.loc[0, "identity"] == "ann"
    assert found.loc[0, "candidates"] == ["ann", "bob"]
    assert found.loc[0, "candidate_scores"] == pytest.approx([0.8, 0.6])


def test_a_score_below_the_threshold_is_answered_as_unknown_with_its_candidates() -> None:
    found = ask_one([0.8, 0.6], 0.9)
    assert (found.loc[0, "status"], found.loc[0, "identity"]) == ("unknown", "unknown")
    assert found.loc[0, "candidates"] == ["ann", "bob"]


@pytest.mark.parametrize(("threshold", "status"), [(np.float32(0.9), "identified"), (0.9, "unknown")])
def test_the_threshold_is_compared_with_the_score_as_it_is_stored(threshold, status) -> None:
    assert ask_one([0.9, 0.6], float(threshold)).loc[0, "status"] == status  # as float32 0.9 is a little less


def test_the_threshold_is_that_of_the_modalities_compared() -> None:
    probes = {"iris_left": captures(["x", "y"]), "iris_right": captures(["x"], "right")}
    enrolled = {"iris_left": ENROLLED, "iris_right": captures(["ann", "bob"], "right")}
    scores = {"iris_left": [[0.8, 0.6], [0.8, 0.6]], "iris_right": [[0.8, 0.6]]}
    found = ask(probes, enrolled, scores, {"iris_left": 0.9, "iris_left+iris_right": 0.7})
    assert found["modalities"].tolist() == ["iris_left+iris_right", "iris_left"]
    assert found["status"].tolist() == ["identified", "unknown"]


def test_a_subject_enrolled_with_one_eye_has_to_reach_the_threshold_of_one_eye() -> None:
    probes = {"iris_left": captures(["x"]), "iris_right": captures(["x"], "right")}
    enrolled = {"iris_left": ENROLLED, "iris_right": captures(["bob"], "right")}  # ann: her left eye only
    thresholds = {"iris_left": 0.95, "iris_right": 0.95, "iris_left+iris_right": 0.6}
    found = ask(probes, enrolled, {"iris_left": [[0.8, 0.6]], "iris_right": [[0.6]]}, thresholds)
    assert (found.loc[0, "modalities"], found.loc[0, "threshold"]) == ("iris_left", 0.95)
    assert found.loc[0, "status"] == "unknown"


def test_nothing_presented_gives_no_answer() -> None:
    assert predict({}, {}, score={}, fuse=mean, thresholds={}, count=2).empty


def test_a_presentation_without_a_template_fails_with_a_reason() -> None:
    found = ask_one([np.nan, np.nan], 0.9)
    assert found.loc[0, "status"] == "failed"
    assert "no capture" in found.loc[0, "reason"]
    assert pd.isna(found.loc[0, "identity"])


def test_modalities_without_a_threshold_are_not_decided() -> None:
    found = ask_one([0.8, 0.6], None)
    assert found.loc[0, "status"] == "failed"
    assert "no threshold for iris_left" in found.loc[0, "reason"]


def test_where_nobody_is_enrolled_nothing_can_be_compared() -> None:
    found = ask(
        {"iris_left": captures(["x"])}, {"iris_left": captures([])}, {"iris_left": [[]]}, {"iris_left": 0}
    )
    assert found["status"].tolist() == ["failed"]
    assert found.loc[0, "candidates"] == []


def test_every_new_capture_is_presented_exactly_once() -> None:
    probes = {
        "iris_left": captures(["x", "x", "y"]),
        "fingerprint": captures(["x", "x", "x"], "right_thumb"),
    }
    presentations = present_each_once(probes)
    assert presentations.names.tolist() == ["x/1", "x/2", "x/3", "y/1"]
    for modality, shown in presentations.rows.items():
        assert sorted(shown[shown >= 0].tolist()) == list(range(len(probes[modality])))


def test_a_presentation_is_answered_alike_alone_and_in_a_batch() -> None:
    scores = np.random.default_rng(3).normal(size=(6, 2)).round(2).tolist()
    names = [f"p{i}" for i in range(6)]
    settings = {"iris_left": 0.5}
    batch = ask({"iris_left": captures(names)}, {"iris_left": ENROLLED}, {"iris_left": scores}, settings)
    for i, name in enumerate(names):
        alone = ask(
            {"iris_left": captures([name])}, {"iris_left": ENROLLED}, {"iris_left": [scores[i]]}, settings
        )
        assert alone.loc[0, "identity"] == batch.loc[i, "identity"]
        assert alone.loc[0, "score"] == batch.loc[i, "score"]
