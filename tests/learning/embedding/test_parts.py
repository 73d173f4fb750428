"""Embeddings that are kept shard by shard: what is made again, and what is not."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from selfsame.encoders.design import EncoderDesign
from selfsame.errors import DamagedError, InputError
from selfsame.learning.checkpoint import Checkpoint, Design, LabelMap, Origin
from selfsame.learning.embedding.captures import Pass, embed_captures
from selfsame.learning.embedding.parts import EmbeddingParts
from selfsame.learning.recogniser import Recogniser
from selfsame.pipelines.embedding.nodes import embed_new
from selfsame.shards.arrays import ShardedArrays

SHARDS = {"a": 3, "b": 4, "c": 2}


class Parameters:
    batch_size, device = 2, "cpu"


@pytest.fixture(scope="module")
def checkpoint():
    encoder = EncoderDesign("mobilenetv4_conv_small_050", 1, 4, 8, 0.0, 16, 32)
    design = Design({"iris_left": "iris"}, {"iris": encoder})
    labels = LabelMap(("p", "q"), {"iris": (("p", "left"), ("q", "left"))})
    weights = {name: tensor.numpy() for name, tensor in Recogniser(design, labels).state_dict().items()}
    return Checkpoint(design, labels, Origin("c", "s", {}, "p", "v", 1), {"iris_left": 1.0}, 1, {}, weights)


def make(shards=SHARDS):
    """Pixels that follow from the shard's name, and an index in another order than that of the shards."""
    pixels, rows = {}, []
    for name, count in shards.items():
        rng = np.random.default_rng(sum(name.encode()))
        pixels[name] = rng.integers(0, 256, (count, 2, 16, 32), dtype=np.uint8)
        rows += [(f"{name}{row}", name, row) for row in range(count)]
    index = pd.DataFrame(rows, columns=["capture_id", "shard", "row"]).sample(frac=1, random_state=0)
    index = index.assign(
        impression=0, subject_id="p", modality="iris_left", instance="left", capture_index=1, status="ok"
    )
    return ShardedArrays(pixels), index.reset_index(drop=True)


@pytest.fixture
def encoded(monkeypatch):
    """Counts the captures of every batch that is encoded."""
    batches, encode = [], Recogniser.encode

    def count(self, modality, pixels):
        batches.append(len(pixels))
        return encode(self, modality, pixels)

    monkeypatch.setattr(Recogniser, "encode", count)
    return batches


def embed(checkpoint, folder, shards=SHARDS, batch_size=2):
    parts = EmbeddingParts(folder) if folder else None
    arrays, index = make(shards)
    return embed_captures(
        checkpoint, "iris_left", arrays, index, batch_size=batch_size, device="cpu", parts=parts
    )


def test_kept_embeddings_are_the_same_bits_in_the_order_of_the_index(checkpoint, tmp_path):
    plain, made, again = (embed(checkpoint, folder) for folder in (None, tmp_path, tmp_path))
    assert plain["capture_id"].tolist() == make()[1]["capture_id"].tolist()
    pd.testing.assert_frame_equal(made, plain, check_exact=True)
    pd.testing.assert_frame_equal(again, plain, check_exact=True)


def test_an_interrupted_inference_embeds_the_shards_that_are_left(checkpoint, tmp_path, encoded, monkeypatch):
    count = Recogniser.encode

    def stop_at_the_fourth(self, modality, pixels):
        if len(encoded) == 4:
            raise KeyboardInterrupt
        return count(self, modality, pixels)

    arrays, index = make()
    monkeypatch.setattr(Recogniser, "encode", stop_at_the_fourth)
    with pytest.raises(KeyboardInterrupt):
        embed_new(Parameters(), checkpoint, tmp_path, arrays, index)
    assert encoded == [2, 1, 2, 2]  # shards a and b, whose files are there
    assert len(list(tmp_path.iterdir())) == 2
    encoded.clear()
    monkeypatch.setattr(Recogniser, "encode", count)
    resumed = embed_new(Parameters(), checkpoint, tmp_path, arrays, index)
    assert encoded == [2]  # shard c
    (tmp_path / "other").mkdir()
    undisturbed = embed_new(Parameters(), checkpoint, tmp_path / "other", arrays, index)
    pd.testing.assert_frame_equal(resumed, undisturbed, check_exact=True)


def test_of_changed_captures_their_shards_alone_are_embedded_again(checkpoint, tmp_path, encoded):
    embed(checkpoint, tmp_path)
    encoded.clear()
    embed(checkpoint, tmp_path, {"a": 3, "b": 4, "d": 1})
    assert encoded == [1]


@pytest.mark.parametrize("changed", ["model", "batch size"])
def test_another_model_or_batch_size_makes_all_again(checkpoint, tmp_path, encoded, changed):
    embed(checkpoint, tmp_path)
    encoded.clear()
    other = replace(checkpoint, epoch=2) if changed == "model" else checkpoint
    embed(other, tmp_path, batch_size=3 if changed == "batch size" else 2)
    assert sum(encoded) == 9


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:200],
        lambda data: b"",
        lambda data: data[:-90] + b"x" * 90,
        lambda data: data.replace(data[150:158], b"12345678", 1),
        lambda data: data[:190] + bytes([data[190] ^ 1]) + data[191:],
    ],
)
def test_damaged_parts_are_named_and_made_again(checkpoint, tmp_path, encoded, caplog, damage):
    before = embed(checkpoint, tmp_path)
    path = sorted(tmp_path.iterdir())[0]
    path.write_bytes(damage(path.read_bytes()))
    encoded.clear()
    after = embed(checkpoint, tmp_path)
    assert 0 < sum(encoded) < 9
    assert f"embeddings in {path.name} are damaged" in caplog.text
    pd.testing.assert_frame_equal(after, before, check_exact=True)


@pytest.mark.parametrize(
    ("place", "sizes", "expected"),
    [
        ("cpu", [1, 1], [[0], [1]]),
        ("cuda", [3, 1, 2, 5, 1], [[0, 1], [2], [3], [4]]),
        ("cuda", [9, 4], [[0], [1]]),
        ("cuda", [], []),
    ],
)
def test_a_gpu_encodes_as_many_shards_together_as_fill_a_batch(place, sizes, expected):
    assert Pass("model", 4, place).group(sizes) == expected


def test_parts_that_nobody_asks_for_are_swept_away(checkpoint, tmp_path):
    arrays, index = make()
    embed_new(Parameters(), checkpoint, tmp_path, arrays, index)
    (tmp_path / "killed.123.part").write_bytes(b"x")
    (tmp_path / "notes.txt").write_bytes(b"x")
    embed_new(Parameters(), replace(checkpoint, epoch=2), tmp_path, arrays, index)
    left = [one.name for one in tmp_path.iterdir()]
    assert len(left) == 3 + 1
    assert "notes.txt" in left


def test_a_folder_that_cannot_be_written_is_said_in_one_line(tmp_path):
    parts = EmbeddingParts(tmp_path / "gone")
    with pytest.raises(InputError, match=r"expected to write embeddings to .*gone, got No such file"):
        parts.write("a", np.zeros((1, 2), dtype=np.float32))


def test_embeddings_of_damaged_weights_are_not_kept(checkpoint, tmp_path):
    broken = {n: np.full_like(one, np.nan) for n, one in checkpoint.weights.items() if "bias" in n}
    worthless = replace(checkpoint, weights={**checkpoint.weights, **broken})
    with pytest.raises(DamagedError, match="of unit length, got 3 others of 3"):
        embed(worthless, tmp_path)
    assert list(tmp_path.iterdir()) == []
