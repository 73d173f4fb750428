"""Recognition of new captures with a small random recogniser: alike pixels give alike embeddings."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import torch

from selfsame.encoders.design import EncoderDesign
from selfsame.errors import MismatchError
from selfsame.imaging.arrays import ShardedArrays
from selfsame.learning.checkpoint import Checkpoint, Design, LabelMap, Origin
from selfsame.learning.embedding import embed_captures
from selfsame.learning.prediction import COLUMNS, predict_captures, summarise_predictions
from selfsame.learning.recogniser import Recogniser

IRISES = {"iris_left": "left", "iris_right": "right"}
PEOPLE = ("ann", "bob", "cleo")
NO_FILES = pd.DataFrame(columns=["path", "reason", "detail"], dtype="str")

Predict = Callable[..., pd.DataFrame]


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    design = Design(
        dict.fromkeys(IRISES, "iris"),
        {"iris": EncoderDesign("mobilenetv4_conv_small_050", 1, 4, 16, 0.0, 16, 32)},
    )
    labels = LabelMap(PEOPLE, {"iris": tuple((one, "left") for one in PEOPLE)})
    torch.manual_seed(0)
    weights = {name: tensor.numpy() for name, tensor in Recogniser(design, labels).state_dict().items()}
    origin = Origin("captures", "splits", {}, "parameters", "code", 1)
    return Checkpoint(design, labels, origin, {"iris_left": 0.5, "iris_right": 0.5}, 1, {}, weights)


def draw(subject: str, instance: str, capture: int) -> np.ndarray:
    """One capture: the texture of its eye, a little noise, everything visible."""
    texture = np.random.default_rng([len(subject), ord(subject[0]), ord(instance[0])]).normal(
        128, 50, (16, 32)
    )
    noise = np.random.default_rng(capture).normal(0, 3, texture.shape)
    return np.stack([(texture + noise).clip(0, 255), np.full_like(texture, 255)]).astype(np.uint8)


def make(modality: str, captures: list[tuple[str, int]], role: str) -> tuple[ShardedArrays, pd.DataFrame]:
    """Arrays and index of (subject, capture number) pairs."""
    instance = IRISES[modality]
    index = pd.DataFrame(captures, columns=["subject_id", "capture_index"])
    index = index.assign(
        capture_id=[f"{subject}-{instance}-{capture}" for subject, capture in captures],
        impression=0, modality=modality, instance=instance, role=role, split="test", status="ok",
        reason=None, shard="one", row=range(len(captures)),
    )  # fmt: skip
    pixels = np.stack([draw(subject, instance, capture) for subject, capture in captures])
    return ShardedArrays({"one": pixels}), index


@pytest.fixture(scope="module")
def enrolled(checkpoint: Checkpoint) -> pd.DataFrame:
    tables = []
    for modality in IRISES:
        arrays, index = make(modality, [(subject, 1) for subject in PEOPLE], "reference")
        tables.append(embed_captures(checkpoint, modality, arrays, index, batch_size=8, device="cpu"))
    return pd.concat(tables, ignore_index=True).assign(model_version=checkpoint.version)


@pytest.fixture
def answer(checkpoint: Checkpoint, enrolled: pd.DataFrame) -> Predict:
    """Predict captures: `answer(iris_left=make(...), threshold=0.9)`; paths are capture_id + ".png"."""

    def predict(
        *,
        threshold: float = 0.9,
        rejected: pd.DataFrame = NO_FILES,
        batch_size: int = 64,
        enrolled_by: str = checkpoint.version,
        extra: tuple[str, ...] = (),
        **captures: tuple[ShardedArrays, pd.DataFrame],
    ) -> pd.DataFrame:
        names = [name for _, index in captures.values() for name in index["capture_id"]] + list(extra)
        keys = ("iris_left", "iris_right", "iris_left+iris_right")
        return predict_captures(
            checkpoint,
            {modality: arrays for modality, (arrays, _) in captures.items()},
            {modality: index for modality, (_, index) in captures.items()},
            enrolled=enrolled.assign(model_version=enrolled_by),
            thresholds=dict.fromkeys(keys, threshold),
            paths=pd.Series([f"{name}.png" for name in names], index=names),
            rejected=rejected,
            batch_size=batch_size,
            device="cpu",
            count=2,
        )

    return predict


def both_eyes(captures: list[tuple[str, int]]) -> dict[str, tuple[ShardedArrays, pd.DataFrame]]:
    return {modality: make(modality, captures, "probe") for modality in IRISES}


def test_another_capture_of_an_enrolled_person_is_identified(answer: Predict, checkpoint: Checkpoint) -> None:
    (row,) = answer(**both_eyes([("bob", 7)])).to_dict("records")
    assert (row["status"], row["identity"], row["modalities"]) == (
        "identified",
        "bob",
        "iris_left+iris_right",
    )
    assert row["captures"] == ["bob-left-7.png", "bob-right-7.png"]
    assert row["candidates"][0] == "bob"
    assert row["score"] == row["candidate_scores"][0] > 0.9
    assert row["model_version"] == checkpoint.version


def test_the_name_in_the_path_takes_no_part_in_the_answer(answer: Predict) -> None:
    captures = {}
    for modality, (arrays, index) in both_eyes([("bob", 7)]).items():
        captures[modality] = arrays, index.assign(subject_id="ann")
    assert answer(**captures)["identity"].tolist() == ["bob"]


def test_below_the_threshold_the_answer_is_unknown_with_candidates(answer: Predict) -> None:
    (row,) = answer(**both_eyes([("bob", 7)]), threshold=1.01).to_dict("records")
    assert (row["status"], row["identity"], row["threshold"]) == ("unknown", "unknown", 1.01)
    assert len(row["candidates"]) == len(row["candidate_scores"]) == 2


def test_a_modality_without_any_new_capture_is_done_without(answer: Predict) -> None:
    found = answer(iris_right=make("iris_right", [("ann", 5), ("cleo", 5)], "probe"))
    assert found["identity"].tolist() == ["ann", "cleo"]
    assert set(found["modalities"]) == {"iris_right"}


def fail(captures: tuple[ShardedArrays, pd.DataFrame]) -> tuple[ShardedArrays, pd.DataFrame]:
    arrays, index = captures
    return arrays, index.assign(status="failed", reason="no_pupil", shard=None, row=-1)


def test_a_failed_capture_is_named_and_the_rest_of_its_presentation_decides(answer: Predict) -> None:
    captures = both_eyes([("bob", 7)])
    (row,) = answer(**{**captures, "iris_left": fail(captures["iris_left"])}).to_dict("records")
    assert (row["status"], row["identity"], row["modalities"]) == ("identified", "bob", "iris_right")
    assert row["reason"] == "bob-left-7.png: no_pupil"


def test_a_presentation_of_failed_captures_fails_and_names_each(answer: Predict) -> None:
    captures = {modality: fail(made) for modality, made in both_eyes([("bob", 7)]).items()}
    (row,) = answer(**captures).to_dict("records")
    assert row["status"] == "failed"
    assert row["reason"] == "bob-left-7.png: no_pupil; bob-right-7.png: no_pupil"
    assert row["candidates"] == []
    assert pd.isna(row["identity"])
    assert pd.isna(row["score"])


def test_rejected_files_become_rows_behind_the_answers(answer: Predict) -> None:
    files = pd.DataFrame(
        {"path": ["a.txt", "b.bmp"], "reason": ["not_an_image", "empty"], "detail": ["x", "y"]}
    )
    found = answer(**both_eyes([("bob", 7)]), rejected=files)
    assert found["status"].tolist() == ["identified", "rejected", "rejected"]
    assert found["reason"].tolist()[1:] == ["not_an_image: x", "empty: y"]
    assert found["captures"].tolist()[1:] == [["a.txt"], ["b.bmp"]]


def test_captures_of_a_modality_that_the_model_does_not_know_become_rows(answer: Predict) -> None:
    found = answer(**both_eyes([("bob", 7)]), extra=("bob-thumb",))
    assert found["status"].tolist() == ["identified", "rejected"]
    assert found.loc[1, "captures"] == ["bob-thumb.png"]
    assert found.loc[1, "reason"].startswith("other_modality: expected one of")


def test_the_table_has_the_same_columns_and_types_whatever_it_holds(answer: Predict) -> None:
    files = pd.DataFrame({"path": ["a"], "reason": ["empty"], "detail": ["x"]})
    tables = [
        answer(**both_eyes([("bob", 7)])),
        answer(**both_eyes([("bob", 7)]), rejected=files),
        answer(iris_left=fail(make("iris_left", [("bob", 7)], "probe"))),
    ]
    for table in tables:
        assert list(table.columns) == list(COLUMNS)
        assert table.dtypes.astype(str).to_dict() == dict(COLUMNS)


def test_what_another_model_made_is_refused(answer: Predict, checkpoint: Checkpoint) -> None:
    message = f"expected the enrolled embeddings of model {checkpoint.version}, got those of other: run"
    with pytest.raises(MismatchError, match=message):
        answer(**both_eyes([("bob", 7)]), enrolled_by="other")


def test_a_batch_of_n_equals_n_single_ones(answer: Predict) -> None:
    captures = [("ann", 4), ("bob", 5), ("cleo", 6)]
    together = answer(**both_eyes(captures), batch_size=64)
    for i, capture in enumerate(captures):
        alone = answer(**both_eyes([capture]), batch_size=1)
        exact = ["status", "identity", "candidates", "modalities", "captures"]
        assert alone.loc[0, exact].tolist() == together.loc[i, exact].tolist()
        np.testing.assert_allclose(
            alone.loc[0, "candidate_scores"], together.loc[i, "candidate_scores"], atol=1e-6
        )


def test_the_summary_counts_answers_by_status(answer: Predict, checkpoint: Checkpoint) -> None:
    files = pd.DataFrame({"path": ["a"], "reason": ["empty"], "detail": ["x"]})
    found = answer(**both_eyes([("bob", 7), ("ann", 2)]), rejected=files)
    assert summarise_predictions(found) == {
        "rows": 3,
        "by_status": {"identified": 2, "rejected": 1},
        "model_version": checkpoint.version,
    }


def test_the_summary_of_no_predictions_names_no_model(answer: Predict) -> None:
    none = answer(**both_eyes([("bob", 7)])).head(0)
    assert summarise_predictions(none) == {"rows": 0, "by_status": {}, "model_version": None}


def test_a_reference_is_not_compared_with_itself(answer: Predict) -> None:
    arrays, index = make("iris_left", [("ann", 1), ("ann", 2)], "probe")  # the first is enrolled
    found = answer(iris_left=(arrays, index)).set_index("status")
    assert found.index.tolist() == ["identified", "enrolled"]
    assert "ann-left-1" in found.loc["enrolled", "presentation"]
    assert "reference of subject ann" in found.loc["enrolled", "reason"]
    assert pd.isna(found.loc["enrolled", "score"])


def test_nothing_but_references_gives_no_answer(answer: Predict) -> None:
    found = answer(iris_left=make("iris_left", [("ann", 1), ("bob", 1)], "probe"))
    assert found["status"].tolist() == ["enrolled", "enrolled"]
