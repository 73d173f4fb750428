import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from kedro.io.core import DatasetError, Version

from selfsame.datasets.checkpoint import CheckpointDataset
from selfsame.encoders.design import EncoderDesign
from selfsame.errors import DamagedError, InputError
from selfsame.learning.checkpoint import Checkpoint, Design, LabelMap, Origin


def make(epoch: int = 3) -> Checkpoint:
    return Checkpoint(
        design=Design({"b": "iris", "a": "iris"}, {"iris": EncoderDesign("resnet18", 1, 4, 8, 0.1, 16, 32)}),
        labels=LabelMap(("x", "y"), {"iris": (("x", "left"), ("y", "left"))}),
        origin=Origin("captures", "splits", {"a": "r"}, "parameters", "code", 7),
        fusion_weights={"b": 0.25, "a": 0.75},
        epoch=epoch,
        metrics={"train_loss": 0.5, "validation_loss": None},
        weights={"w": np.arange(6, dtype=np.float32).reshape(2, 3), "n": np.array(4, dtype=np.int64)},
    )


def fail(dataset: CheckpointDataset) -> DamagedError:
    with pytest.raises(DatasetError) as caught:
        dataset.load()
    assert isinstance(caught.value.__cause__, DamagedError)
    return caught.value.__cause__


def test_checkpoint_comes_back_as_it_was(tmp_path):
    dataset = CheckpointDataset(filepath=str(tmp_path / "checkpoint"))
    dataset.save(make())
    loaded = dataset.load()
    assert loaded.design == make().design
    assert loaded.modalities == ("b", "a")
    assert (loaded.labels, loaded.origin, loaded.metrics) == (make().labels, make().origin, make().metrics)
    assert loaded.weights.keys() == {"w", "n"}
    np.testing.assert_array_equal(loaded.weights["w"], make().weights["w"])


def test_each_version_is_a_folder_and_the_latest_is_loaded(tmp_path):
    path = str(tmp_path / "checkpoint")
    for epoch, version in ((1, "2026-01-01"), (2, "2026-01-02")):
        CheckpointDataset(filepath=path, version=Version(None, version)).save(make(epoch))
    assert CheckpointDataset(filepath=path, version=Version(None, None)).load().epoch == 2
    assert CheckpointDataset(filepath=path, version=Version("2026-01-01", None)).load().epoch == 1


def test_what_a_killed_process_left_of_another_version_is_removed_by_the_next_save(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    half = tmp_path / "checkpoint" / "2026-01-01" / f".checkpoint.{gone.pid}.partial"
    half.mkdir(parents=True)
    (half / "weights.safetensors").write_bytes(b"half")
    running = tmp_path / "checkpoint" / "2026-01-02" / f".checkpoint.{os.getppid()}.partial"
    running.mkdir(parents=True)
    CheckpointDataset(filepath=str(tmp_path / "checkpoint"), version=Version(None, "2026-01-03")).save(make())
    assert not half.parent.exists()
    assert running.exists()
    assert CheckpointDataset(filepath=str(tmp_path / "checkpoint"), version=Version(None, None)).load()


def test_what_a_killed_process_left_beside_an_unversioned_checkpoint_is_removed(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (tmp_path / f".checkpoint.{gone.pid}.partial").mkdir()
    CheckpointDataset(filepath=str(tmp_path / "checkpoint")).save(make())
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]


def test_same_checkpoint_gives_the_same_bytes_and_leaves_nothing_else(tmp_path):
    for name in ("one", "two"):
        CheckpointDataset(filepath=str(tmp_path / name)).save(make())
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == ["checkpoint.json", "weights.safetensors"]
    assert all(
        (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in files
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


@pytest.mark.parametrize("keep", [0, 10, -1])
def test_truncated_weights_are_refused(tmp_path, keep):
    dataset = CheckpointDataset(filepath=str(tmp_path / "checkpoint"))
    dataset.save(make())
    weights = tmp_path / "checkpoint" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:keep])
    assert "checkpoint/weights.safetensors is not (its digest" in str(fail(dataset))


def test_missing_weights_are_refused(tmp_path):
    dataset = CheckpointDataset(filepath=str(tmp_path / "checkpoint"))
    dataset.save(make())
    (tmp_path / "checkpoint" / "weights.safetensors").unlink()
    assert "No such file" in str(fail(dataset))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 1}, "format: "),
        ({"epoch": "three"}, "epoch: "),
        ({"surprise": 1}, "surprise: Extra inputs"),
    ],
)
def test_card_of_another_format_is_refused_by_its_field(tmp_path, change, said):
    dataset = CheckpointDataset(filepath=str(tmp_path / "checkpoint"))
    dataset.save(make())
    card = tmp_path / "checkpoint" / "checkpoint.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | change))
    assert said in str(fail(dataset))


def test_an_altered_number_of_the_card_is_refused(tmp_path):
    dataset = CheckpointDataset(filepath=str(tmp_path / "checkpoint"))
    dataset.save(make())
    card = tmp_path / "checkpoint" / "checkpoint.json"
    content = json.loads(card.read_text())
    card.write_text(json.dumps(content | {"epoch": content["epoch"] + 1}))
    assert "checkpoint.json is not (its digest is not the one of what it says)" in str(fail(dataset))


def test_failed_save_leaves_the_earlier_checkpoint(tmp_path, monkeypatch):
    dataset = CheckpointDataset(filepath=str(tmp_path / "checkpoint"))
    dataset.save(make(1))

    def refuse(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(DatasetError) as caught:
        dataset.save(make(2))
    assert isinstance(caught.value.__cause__, InputError)
    assert dataset.load().epoch == 1
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]


def test_a_version_that_failed_leaves_no_folder(tmp_path, monkeypatch):
    def refuse(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(DatasetError, match="No space left on device"):
        CheckpointDataset(filepath=str(tmp_path / "checkpoint"), version=Version(None, "1")).save(make())
    assert list((tmp_path / "checkpoint").iterdir()) == []


def test_empty_versions_of_killed_processes_are_removed_by_the_next_save(tmp_path):
    (tmp_path / "checkpoint" / "1").mkdir(parents=True)
    CheckpointDataset(filepath=str(tmp_path / "checkpoint"), version=Version(None, "2")).save(make())
    assert [path.name for path in (tmp_path / "checkpoint").iterdir()] == ["2"]


def test_existence_is_that_of_a_whole_checkpoint(tmp_path):
    dataset = CheckpointDataset(filepath=str(tmp_path / "checkpoint"))
    assert not dataset.exists()
    dataset.save(make())
    assert dataset.exists()


def test_remote_folder_is_refused():
    with pytest.raises(InputError, match="local folder for checkpoints, got s3://"):
        CheckpointDataset(filepath="s3://bucket/checkpoint")
