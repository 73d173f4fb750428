from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from selfsame.encoders.design import EncoderDesign
from selfsame.errors import DamagedError, MismatchError
from selfsame.imaging.arrays import ShardedArrays
from selfsame.learning.checkpoint import Checkpoint, Design, LabelMap, Origin
from selfsame.learning.classification import classify_presentations
from selfsame.learning.embedding import embed_captures
from selfsame.learning.recogniser import Recogniser, restore

DESIGN = Design(
    {"iris_left": "iris", "iris_right": "iris"},
    {"iris": EncoderDesign("mobilenetv4_conv_small_050", 1, 4, 8, 0.1, 16, 32)},
)
LABELS = LabelMap(("a", "b"), {"iris": (("a", "left"), ("a", "right"), ("b", "left"))})


@pytest.fixture
def checkpoint() -> Checkpoint:
    torch.manual_seed(0)
    weights = {name: tensor.numpy() for name, tensor in Recogniser(DESIGN, LABELS).state_dict().items()}
    weights["prototypes.iris"] = np.eye(3, 8, dtype=np.float32) * 5
    origin = Origin("data", "parameters", "code", 1)
    return Checkpoint(
        DESIGN, LABELS, origin, {"iris_left": 0.75, "iris_right": 0.25}, 3, {"train_loss": 1.0}, weights
    )


@pytest.fixture
def captures() -> tuple[ShardedArrays, pd.DataFrame]:
    pixels = np.random.default_rng(0).integers(0, 256, (7, 2, 16, 32), dtype=np.uint8)
    index = pd.DataFrame(
        {"capture_id": list("stuvwxyz"), "impression": 0, "modality": "iris_left", "row": range(8)}
    )
    index = index.assign(instance="left", status="ok", shard="one", subject_id="a", role="probe")
    index.loc[7, ["status", "row", "shard"]] = ["failed", -1, None]
    return ShardedArrays({"one": pixels}), index


def test_restored_recogniser_computes_what_the_saved_one_did(checkpoint):
    torch.manual_seed(0)
    original = Recogniser(DESIGN, LABELS).eval()
    pixels = torch.rand(3, 2, 16, 32)
    assert torch.equal(restore(checkpoint).encode("iris_left", pixels), original.encode("iris_left", pixels))


def test_other_architecture_is_refused_by_the_field_that_differs(checkpoint):
    other = replace(DESIGN, encoders={"iris": replace(DESIGN.encoders["iris"], embedding_size=64)})
    with pytest.raises(MismatchError, match=r"encoders\.iris\.embedding_size = 64, but it has 8"):
        restore(checkpoint, design=other)


def test_other_modalities_are_refused(checkpoint):
    other = replace(DESIGN, encoder_of={**DESIGN.encoder_of, "face": "iris"})
    with pytest.raises(MismatchError, match=r"encoder_of\.face = iris, but it has absent"):
        restore(checkpoint, design=other)


def test_other_data_is_refused(checkpoint):
    with pytest.raises(MismatchError, match="data_digest = others, but it has data"):
        restore(checkpoint, data_digest="others")


def test_weights_that_do_not_fit_the_design_are_damage(checkpoint):
    weights = {name: array for name, array in checkpoint.weights.items() if "project" not in name}
    with pytest.raises(DamagedError, match="fit the checkpoint's own design"):
        restore(replace(checkpoint, weights=weights))


def test_embeddings_leave_failed_captures_out_and_keep_the_order(checkpoint, captures):
    arrays, index = captures
    embedded = embed_captures(checkpoint, "iris_left", arrays, index, batch_size=4, device="cpu")
    assert embedded["capture_id"].tolist() == list("stuvwxy")
    norms = [np.linalg.norm(one) for one in embedded["embedding"]]
    np.testing.assert_allclose(norms, 1, atol=1e-6)
    assert embedded["embedding"][0].dtype == np.float32


def test_batch_of_n_equals_n_single_ones(checkpoint, captures):
    together, alone = (
        np.stack(
            embed_captures(checkpoint, "iris_left", *captures, batch_size=size, device="cpu")["embedding"]
        )
        for size in (7, 1)
    )
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_no_capture_gives_an_empty_table(checkpoint, captures):
    arrays, index = captures
    none = embed_captures(checkpoint, "iris_left", arrays, index.tail(1), batch_size=4, device="cpu")
    assert none.empty
    assert "embedding" in none.columns


def test_arrays_of_another_size_are_refused(checkpoint, captures):
    arrays = ShardedArrays({"one": np.zeros((7, 2, 8, 32), dtype=np.uint8)})
    with pytest.raises(
        MismatchError, match="16 x 32 pixels, as the checkpoint was trained on, but got 8 x 32"
    ):
        embed_captures(checkpoint, "iris_left", arrays, captures[1], batch_size=4, device="cpu")


def test_unknown_modality_is_refused(checkpoint, captures):
    with pytest.raises(MismatchError, match="modalities \\(iris_left, iris_right\\), but got face"):
        embed_captures(checkpoint, "face", *captures, batch_size=4, device="cpu")


def unit(*numbers: float) -> np.ndarray:
    return np.array([*numbers, 0, 0, 0, 0, 0], dtype=np.float32)


EMBEDDINGS = pd.DataFrame(
    {
        "modality": ["iris_left", "iris_right"],
        "instance": ["left", "right"],
        "embedding": [unit(0.6, 0.0, 0.8), unit(0.0, 1.0, 0.0)],
    }
)


def test_scores_are_weighted_over_what_presentation_and_subject_share(checkpoint):
    scores = classify_presentations(
        checkpoint, EMBEDDINGS, {"iris_left": np.array([0, 0, -1]), "iris_right": np.array([1, -1, -1])}
    )
    expected = [[0.75 * 0.6 + 0.25 * 1.0, 0.8], [0.6, 0.8], [-np.inf, -np.inf]]
    np.testing.assert_allclose(scores, expected, atol=1e-6)


def test_instance_that_a_subject_was_not_trained_on_is_left_out(checkpoint):
    scores = classify_presentations(checkpoint, EMBEDDINGS, {"iris_right": np.array([1])})
    np.testing.assert_allclose(scores, [[1.0, -np.inf]], atol=1e-6)
