import hashlib
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import fsspec
import pandas as pd
import pytest
from kedro.io import DatasetError
from kedro.io.core import AbstractDataset

from selfsame.datasets.atomic import AtomicDataset
from selfsame.errors import InputError

JSON = {"type": "json.JSONDataset"}


class Unserialisable:
    pass


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    dataset = AtomicDataset(filepath=str(tmp_path / "a" / "x.json"), dataset=JSON)
    assert not dataset.exists()
    dataset.save({"a": 1})
    assert dataset.exists()
    assert dataset.load() == {"a": 1}
    assert [path.name for path in sorted((tmp_path / "a").iterdir())] == ["x.json", "x.json.sha256"]


def test_parquet_goes_through_with_its_arguments(tmp_path: Path) -> None:
    config = {"type": "pandas.ParquetDataset", "save_args": {"index": False}}
    dataset = AtomicDataset(filepath=str(tmp_path / "x.parquet"), dataset=config)
    table = pd.DataFrame({"a": [1, 2]})
    dataset.save(table)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "x.parquet"), table)
    loaded = dataset.load()
    assert isinstance(loaded, pd.DataFrame)
    pd.testing.assert_frame_equal(loaded, table)


def test_a_failed_save_keeps_the_previous_file_and_leaves_nothing(tmp_path: Path) -> None:
    dataset = AtomicDataset(filepath=str(tmp_path / "x.json"), dataset=JSON)
    dataset.save([1])
    with pytest.raises(DatasetError, match="not JSON serializable"):
        dataset.save([2, Unserialisable()])
    assert dataset.load() == [1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.json", "x.json.sha256"]


def test_what_a_killed_process_left_is_removed_by_the_next_save(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (tmp_path / f".x.{gone.pid}.partial.json").write_text("[1")
    running = tmp_path / f".x.{os.getppid()}.partial.json"
    running.write_text("[2")
    (tmp_path / f".y.{gone.pid}.partial.parquet").write_text("of another file in the folder")
    AtomicDataset(filepath=str(tmp_path / "x.json"), dataset=JSON).save([3])
    assert {path.name for path in tmp_path.iterdir()} == {"x.json", "x.json.sha256", running.name}


def test_bytes_reach_the_disk_before_the_name_and_the_name_before_the_save_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, done = tmp_path / "x.json", []
    sync, rename = os.fsync, Path.replace

    def note_sync(opened: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(opened).st_mode) else "file")
        sync(opened)

    def note_rename(path: Path, to: Path) -> Path:
        done.append("rename")
        return rename(path, to)

    monkeypatch.setattr("os.fsync", note_sync)
    monkeypatch.setattr(Path, "replace", note_rename)
    AtomicDataset(filepath=str(target), dataset=JSON).save([1])
    assert done == ["file", "rename", "folder", "file", "rename"]  # of the file, then of its digest


def test_a_digest_is_that_of_the_last_save(tmp_path: Path) -> None:
    dataset = AtomicDataset(filepath=str(tmp_path / "x.json"), dataset=JSON)
    for value in ([1], [2]):
        dataset.save(value)
        line = (tmp_path / "x.json.sha256").read_text()
        assert line == f"{hashlib.sha256((tmp_path / 'x.json').read_bytes()).hexdigest()}  x.json\n"
        assert dataset.load() == value


def test_what_was_changed_by_hand_is_refused_until_its_digest_is_deleted(tmp_path: Path) -> None:
    dataset = AtomicDataset(filepath=str(tmp_path / "x.json"), dataset=JSON)
    dataset.save([1])
    (tmp_path / "x.json").write_text("[3]")
    with pytest.raises(DatasetError, match=r"if you changed it yourself, delete x\.json\.sha256"):
        dataset.load()
    (tmp_path / "x.json.sha256").unlink()
    assert dataset.load() == [3]


def test_pages_and_exports_have_no_digest(tmp_path: Path) -> None:
    AtomicDataset(filepath=str(tmp_path / "x.txt"), dataset={"type": "text.TextDataset"}).save("text")
    assert [path.name for path in tmp_path.iterdir()] == ["x.txt"]


def test_a_file_that_is_absent_is_not_called_damaged(tmp_path: Path) -> None:
    dataset = AtomicDataset(filepath=str(tmp_path / "x.json"), dataset=JSON)
    with pytest.raises(DatasetError, match="No such file"):
        dataset.load()


def test_an_unwritable_folder_gives_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file in the way")
    dataset = AtomicDataset(filepath=str(tmp_path / "folder" / "x.json"), dataset=JSON)
    with pytest.raises(DatasetError, match="check the folder's permissions") as caught:
        dataset.save([1])
    assert isinstance(caught.value.__cause__, InputError)
    assert "\n" not in str(caught.value.__cause__)


def test_a_failure_of_the_disk_inside_the_wrapped_dataset_is_told_the_same_way(tmp_path: Path) -> None:
    name = "x" * 250  # a file may have this name, its partial file may not
    dataset = AtomicDataset(filepath=str(tmp_path / name), dataset=JSON)
    with pytest.raises(DatasetError, match="but File name too long: check") as caught:
        dataset.save([1])
    assert isinstance(caught.value.__cause__, InputError)
    assert not list(tmp_path.iterdir())


def test_other_filesystems_receive_one_whole_object() -> None:
    dataset = AtomicDataset(filepath="memory:///atomic/deep/x.json", dataset=JSON)
    dataset.save({"b": 2})
    assert json.loads(fsspec.filesystem("memory").cat("/atomic/deep/x.json")) == {"b": 2}
    with pytest.raises(DatasetError, match="not JSON serializable"):
        dataset.save(Unserialisable())
    assert dataset.load() == {"b": 2}
    assert fsspec.filesystem("memory").ls("/atomic/deep", detail=False) == ["/atomic/deep/x.json"]


def test_preview_is_that_of_the_wrapped_dataset(tmp_path: Path) -> None:
    dataset = AtomicDataset(filepath=str(tmp_path / "x.json"), dataset=JSON)
    dataset.save({"a": 1})
    assert json.loads(dataset.preview()) == {"a": 1}
    text = AtomicDataset(filepath=str(tmp_path / "x.txt"), dataset={"type": "text.TextDataset"})
    assert not hasattr(text, "preview")


def test_it_is_made_from_a_catalog_entry_and_keeps_its_metadata(tmp_path: Path) -> None:
    metadata = {"kedro-viz": {"layer": "reporting"}}
    entry = {
        "type": "selfsame.datasets.atomic.AtomicDataset",
        "filepath": str(tmp_path / "x.json"),
        "dataset": JSON,
        "metadata": metadata,
    }
    dataset = AbstractDataset.from_config("x", entry)
    assert isinstance(dataset, AtomicDataset)
    assert dataset.metadata == metadata
    assert "x.json" in str(dataset)


def test_a_misspelt_type_is_refused_before_any_work() -> None:
    with pytest.raises(DatasetError, match="JSONDataset2"):
        AtomicDataset(filepath="x.json", dataset={"type": "json.JSONDataset2"})


def test_a_versioned_dataset_is_refused() -> None:
    with pytest.raises(InputError, match="unversioned"):
        AtomicDataset(filepath="x.json", dataset={**JSON, "versioned": True})
