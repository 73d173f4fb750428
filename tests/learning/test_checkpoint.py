from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from selfsame.datasets.checkpoint import CheckpointDataset
from selfsame.encoders.design import EncoderDesign
from selfsame.errors import DamagedError, MismatchError
from selfsame.learning.checkpoint import Checkpoint, Design, LabelMap, Origin, require_same_data
from selfsame.learning.embedding.captures import embed_all, embed_captures
from selfsame.learning.embedding.classification import classify_presentations
from selfsame.learning.recogniser import Recogniser, restore
from selfsame.learning.training.rows import digest_captures, digest_splits
from selfsame.shards.arrays import ShardedArrays, ShardRecord

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
    origin = Origin("captures", "splits", {}, "parameters", "code", 1)
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


def test_other_captures_are_refused_in_words(checkpoint):
    with pytest.raises(
        MismatchError, match=r"captures or their pixels differ.*run the training pipeline again"
    ):
        require_same_data(checkpoint, captures_digest="others", splits_digest="others")


def test_other_splits_of_the_same_captures_are_refused_in_words(checkpoint):
    with pytest.raises(MismatchError, match=r"the splits differ \(another protocol or seed\)"):
        require_same_data(checkpoint, captures_digest="captures", splits_digest="others")


def test_the_same_data_are_taken(checkpoint):
    assert require_same_data(checkpoint, captures_digest="captures", splits_digest="splits") is None


def test_missing_weights_are_damage(checkpoint):
    weights = {name: array for name, array in checkpoint.weights.items() if "project.bias" not in name}
    with pytest.raises(DamagedError, match=r"project\.bias of shape \(8,\), got absent"):
        restore(replace(checkpoint, weights=weights))


def test_a_folder_with_the_weights_of_another_architecture_is_refused_by_the_first_tensor(
    checkpoint, tmp_path
):
    other = replace(DESIGN, encoders={"iris": replace(DESIGN.encoders["iris"], embedding_size=16)})
    dataset = CheckpointDataset(filepath=str(tmp_path / "checkpoint"))
    dataset.save(replace(checkpoint, design=other))
    with pytest.raises(
        DamagedError, match=r"encoders\.iris\.project\.bias of shape \(16,\), got \(8,\): choose another"
    ):
        restore(dataset.load())


def change_bit(array):
    changed = array.copy()
    changed.view(np.uint8)[..., 0] ^= 1
    return changed


@pytest.mark.parametrize(
    "change",
    [change_bit, lambda array: array.T, lambda array: array.astype(np.float64)],
    ids=["a bit", "the shape", "the type"],
)
def test_models_of_other_weights_have_other_names(checkpoint, change):
    weights = {**checkpoint.weights, "prototypes.iris": change(checkpoint.weights["prototypes.iris"])}
    assert replace(checkpoint, weights=weights).version != checkpoint.version


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epoch", 4),
        ("fusion_weights", {"iris_left": 0.5, "iris_right": 0.5}),
        ("origin", Origin("captures", "splits", {"iris_left": "r"}, "parameters", "code", 1)),
    ],
)
def test_models_of_another_making_have_other_names(checkpoint, field, value):
    assert replace(checkpoint, **{field: value}).version != checkpoint.version


def test_a_model_keeps_its_name_on_disk(checkpoint, tmp_path):
    dataset = CheckpointDataset(filepath=str(tmp_path / "checkpoint"))
    dataset.save(checkpoint)
    assert dataset.load().version == checkpoint.version


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
    with pytest.raises(MismatchError, match="16 x 32 pixels, as the checkpoint was trained on, got 8 x 32"):
        embed_captures(checkpoint, "iris_left", arrays, captures[1], batch_size=4, device="cpu")


def test_unknown_modality_is_refused(checkpoint, captures):
    with pytest.raises(MismatchError, match="modalities \\(iris_left, iris_right\\), got face"):
        embed_captures(checkpoint, "face", *captures, batch_size=4, device="cpu")


def normalised_by(recipe):
    record = ShardRecord(
        shape=(7, 2, 16, 32), xxh128="", entries=(), seconds={}, provisional=False, recipe=recipe
    )
    return ShardedArrays({"one": np.zeros((7, 2, 16, 32), dtype=np.uint8)}, {"one": record})


def test_captures_that_were_normalised_otherwise_are_refused_with_the_modality(checkpoint, captures):
    trained = replace(checkpoint, origin=replace(checkpoint.origin, recipes={"iris_left": "r"}))
    embedded = embed_captures(
        trained, "iris_left", normalised_by("r"), captures[1], batch_size=4, device="cpu"
    )
    assert len(embedded) == 7
    with pytest.raises(
        MismatchError, match=r"iris_left captures normalised as.*run preprocessing and training again"
    ):
        embed_captures(trained, "iris_left", normalised_by("s"), captures[1], batch_size=4, device="cpu")


def test_weights_that_give_no_unit_vectors_are_damage(checkpoint, captures):
    broken = {
        name: np.full_like(array, np.nan) for name, array in checkpoint.weights.items() if "bias" in name
    }
    worthless = replace(checkpoint, weights={**checkpoint.weights, **broken})
    with pytest.raises(
        DamagedError, match="of unit length, got 7 others of 7, the first of iris_left capture s: run"
    ):
        embed_captures(worthless, "iris_left", *captures, batch_size=4, device="cpu")


def test_all_modalities_are_embedded_by_one_recogniser(checkpoint, captures, monkeypatch):
    arrays = {"iris_left": captures[0], "iris_right": captures[0]}
    indexes = {name: captures[1].assign(modality=name, split="test") for name in arrays}
    origin = replace(
        checkpoint.origin,
        captures_digest=digest_captures(indexes, arrays),
        splits_digest=digest_splits(indexes),
    )
    restored = []
    monkeypatch.setattr(
        "selfsame.learning.embedding.captures.restore", lambda one: restored.append(one) or restore(one)
    )
    table = embed_all(replace(checkpoint, origin=origin), arrays, indexes, batch_size=4, device="cpu")
    assert table["modality"].tolist() == ["iris_left"] * 7 + ["iris_right"] * 7
    assert len(restored) == 1


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
