"""Shards in a folder: atomic, checked, swept."""

import errno
import json
import os
import resource
import shutil
from pathlib import Path

import numpy as np
import pytest
from kedro.io import DatasetError

from selfsame.datasets import arrays
from selfsame.datasets.arrays import ArraysDataset, MadeShardsDataset
from selfsame.datasets.shard_files import LocalShards
from selfsame.errors import DamagedError, InputError
from selfsame.shards.arrays import Entry, Shard, ShardRecord
from selfsame.shards.checksums import checksum_pixels


def make_shard(name, rows=3, seed=0, provisional=False, recipe="r"):
    pixels = np.random.default_rng(seed).integers(0, 256, (rows, 2, 4, 6), dtype=np.uint8)
    entries = tuple(
        Entry(capture_id=f"{name}{row}", impression=0, row=row, reason=None, detail=None, measures={"x": 0.1})
        for row in range(rows)
    )
    record = ShardRecord(
        shape=pixels.shape,
        xxh128=checksum_pixels(pixels),
        entries=entries,
        seconds={"decode": 0.5},
        provisional=provisional,
        recipe=recipe,
    )
    return Shard(name, pixels, record)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "arrays"


@pytest.fixture
def dataset(folder):
    return ArraysDataset(filepath=str(folder))


@pytest.fixture
def made(folder):
    return MadeShardsDataset(filepath=str(folder))


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def flip_byte(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def flip_bit(path, place, bit):
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << bit
    path.write_bytes(content)


def test_saved_shards_load_as_one_array(dataset):
    shards = [make_shard("b", seed=1), make_shard("a", seed=2), make_shard("empty", rows=0)]
    dataset.save(iter(shards))
    loaded = dataset.load()
    assert loaded.shape == (6, 2, 4, 6)
    np.testing.assert_array_equal(loaded.gather(loaded.rows(["b"], [2]))[0], shards[0].pixels[2])
    assert loaded.records["a"].entries == shards[1].record.entries
    assert loaded.recipe == "r"


def test_loaded_shards_are_read_only_maps_of_the_files(dataset):
    dataset.save([make_shard("a")])
    (pixels,) = dataset.load()._pixels
    assert not pixels.flags.writeable
    assert not pixels.flags.owndata


def test_a_shard_is_a_plain_npy_file_beside_a_json_file(dataset, folder):
    shard = make_shard("a")
    dataset.save([shard])
    assert files(folder) == ["a.json", "a.npy"]
    np.testing.assert_array_equal(np.load(folder / "a.npy"), shard.pixels)
    assert json.loads((folder / "a.json").read_text())["record"]["seconds"].keys() == {"decode", "write"}


def test_a_named_shard_is_kept_and_one_that_is_not_named_is_removed(dataset, folder):
    dataset.save([make_shard("a"), make_shard("b")])
    before = (folder / "a.npy").stat()
    dataset.save(iter(["a", make_shard("c")]))
    assert files(folder) == ["a.json", "a.npy", "c.json", "c.npy"]
    assert (folder / "a.npy").stat().st_ino == before.st_ino


def test_what_a_killed_run_left_is_removed(dataset, folder):
    folder.mkdir()
    (folder / "a.npy.4194305.part").write_bytes(b"half")
    (folder / "lost.npy").write_bytes(b"no record")
    dataset.save([make_shard("a")])
    assert files(folder) == ["a.json", "a.npy"]


def test_a_failure_half_way_keeps_finished_and_old_shards(dataset, folder):
    dataset.save([make_shard("old")])

    def break_down():
        yield make_shard("new")
        raise RuntimeError("lost power")

    with pytest.raises(DatasetError, match="lost power"):
        dataset.save(break_down())
    assert files(folder) == ["new.json", "new.npy", "old.json", "old.npy"]


def test_a_full_disk_is_called_so(dataset, folder, monkeypatch):
    opened = Path.open

    def open_full(path, *arguments):
        return opened(Path("/dev/full") if path.suffix == ".part" else path, *arguments)

    monkeypatch.setattr(Path, "open", open_full)
    with pytest.raises(DatasetError, match=r"got No space left on device at .*finished shards are kept"):
        dataset.save(iter([make_shard("a", rows=2000)]))
    assert list(folder.iterdir()) == []


def test_an_error_of_what_makes_shards_is_not_told_as_one_of_the_folder(dataset):
    def stop():
        yield make_shard("a")
        raise OSError("the network went away")

    with pytest.raises(DatasetError, match="the network went away") as raised:
        dataset.save(stop())
    assert not isinstance(raised.value.__cause__, InputError)


def test_a_folder_that_was_never_made_says_what_makes_it(dataset, made):
    assert made.load().made == frozenset()
    assert not dataset.exists()
    with pytest.raises(DatasetError, match="run preprocessing") as raised:
        dataset.load()
    assert isinstance(raised.value.__cause__, DamagedError)


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DatasetError, match="expected a folder that can be written") as raised:
        ArraysDataset(filepath=str(tmp_path / "file" / "arrays")).save([make_shard("a")])
    assert isinstance(raised.value.__cause__, InputError)


DAMAGES = {
    "pixel flipped": lambda folder: flip_byte(folder / "a.npy", -1),
    "header flipped": lambda folder: flip_byte(folder / "a.npy", 2),
    "header that does not end": lambda folder: flip_bit(folder / "a.npy", 8, 6),
    "dtype changed": lambda folder: np.save(folder / "a.npy", np.zeros((3, 2, 4, 6), np.int8)),
    "shape changed": lambda folder: np.save(folder / "a.npy", np.zeros((3, 2, 6, 4), np.uint8)),
    "cut short": lambda folder: (folder / "a.npy").write_bytes((folder / "a.npy").read_bytes()[:-9]),
    "emptied": lambda folder: (folder / "a.npy").write_bytes(b""),
    "pixels gone": lambda folder: (folder / "a.npy").unlink(),
    "record gone": lambda folder: (folder / "a.json").unlink(),
    "record cut short": lambda folder: (folder / "a.json").write_text("{"),
    "record is no object": lambda folder: (folder / "a.json").write_text("[]"),
    "row renumbered": lambda folder: (folder / "a.json").write_text(
        (folder / "a.json").read_text().replace('"a2",0,2', '"a2",0,1')
    ),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_shard_is_named_with_the_remedy_and_made_again(dataset, made, folder, damage):
    dataset.save([make_shard("a"), make_shard("b")])
    damage(folder)
    with pytest.raises(DatasetError, match=r"shard a.*run preprocessing again") as raised:
        dataset.load()
    assert isinstance(raised.value.__cause__, DamagedError)
    assert "\n" not in str(raised.value.__cause__)
    assert made.load().made == {"b"}
    dataset.save(["b", make_shard("a")])
    assert made.load().made == {"a", "b"}


def test_verifying_sizes_only_overlooks_a_flipped_pixel_but_not_a_cut(dataset, folder):
    dataset.save([make_shard("a")])
    quick = ArraysDataset(filepath=str(folder), verify="size")
    flip_byte(folder / "a.npy", -1)
    assert len(quick.load()) == 3
    DAMAGES["cut short"](folder)
    with pytest.raises(DatasetError, match="bytes where its header declares"):
        quick.load()


def test_a_provisional_shard_loads_but_is_made_again(dataset, made):
    dataset.save([make_shard("a", provisional=True), make_shard("b")])
    assert len(dataset.load()) == 6
    assert made.load().made == {"b"}


def test_the_list_of_made_shards_cannot_be_saved(made):
    with pytest.raises(DatasetError, match="through an ArraysDataset"):
        made.save(frozenset({"a"}))


@pytest.mark.parametrize("cache", [None, "s3://bucket/cache"])
def test_a_remote_folder_without_a_local_cache_is_refused(cache):
    with pytest.raises(InputError, match="a local folder as the cache of the arrays at s3://bucket/arrays"):
        ArraysDataset(filepath="s3://bucket/arrays", cache=cache)


def test_a_worker_that_cannot_write_says_where(tmp_path):
    (tmp_path / "file").write_text("no folder")
    store = MadeShardsDataset(filepath=str(tmp_path / "file/arrays")).load()
    with pytest.raises(
        InputError, match=r"expected a folder that can be written, got Not a directory at .*file"
    ):
        store.writer.deliver(make_shard("a"))


def test_what_ended_workers_were_writing_is_removed_at_once(dataset, folder):
    def make_and_stop():
        yield make_shard("a")
        (folder / "b.npy.4194305.part").write_bytes(b"half")  # of a worker that is killed now
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dataset.save(make_and_stop())
    assert files(folder) == ["a.json", "a.npy"]


def test_a_shard_that_was_named_and_is_not_there_is_noticed(dataset):
    with pytest.raises(DatasetError, match=r"expected 2 shards in .*, but 1 are not there \(first b\)"):
        dataset.save([make_shard("a"), "b"])


def test_partial_files_of_another_run_stay(dataset, folder):
    def make_and_fail():
        yield make_shard("a")
        (folder / f"b.npy.{os.getppid()}.part").write_bytes(b"half")
        raise ValueError("broken")

    with pytest.raises(DatasetError, match="broken"):
        dataset.save(make_and_fail())
    assert files(folder) == ["a.json", "a.npy", f"b.npy.{os.getppid()}.part"]


def test_partial_files_of_another_run_stay_where_this_one_ends_well(dataset, folder):
    folder.mkdir()
    (folder / f"b.npy.{os.getppid()}.part").write_bytes(b"half")
    dataset.save([make_shard("a")])
    assert files(folder) == ["a.json", "a.npy", f"b.npy.{os.getppid()}.part"]


def test_what_goes_wrong_with_the_last_shard_is_raised(dataset, monkeypatch):
    def fill_disk(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(LocalShards, "write", fill_disk)
    with pytest.raises(DatasetError, match="expected a folder that can be written, got No space left"):
        dataset.save([make_shard("a")])


def test_more_shards_than_the_system_allows_open_files_are_no_damage(dataset, monkeypatch):
    dataset.save([make_shard(f"{i:02}") for i in range(40)])
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened = len(list(Path("/proc/self/fd").iterdir()))
    resource.setrlimit(resource.RLIMIT_NOFILE, (opened + 16, limits[1]))
    try:
        assert len(dataset.load()) == 120
        resource.setrlimit(resource.RLIMIT_NOFILE, (opened + 16, limits[1]))
        monkeypatch.setattr(arrays, "allow_open_files", lambda more: None)
        with pytest.raises(DatasetError, match=r"the system allows no more: raise the limit \(ulimit -n\)"):
            dataset.load()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e-7, 1e300, 0.1 + 0.2])
def test_a_measure_comes_back_as_it_was(dataset, made, value):
    shard = make_shard("a", rows=1)
    entries = (shard.record.entries[0]._replace(measures={"x": value}),)
    record = shard.record.model_copy(update={"entries": entries})
    dataset.save([Shard("a", shard.pixels, record)])
    assert made.load().made == {"a"}
    np.testing.assert_equal(dataset.load().records["a"].entries[0].measures["x"], value)


def test_a_copied_folder_is_as_good(dataset, folder, tmp_path):
    dataset.save([make_shard("a")])
    copy = shutil.copytree(folder, tmp_path / "copy")
    moved, stored = ArraysDataset(filepath=str(copy)).load(), dataset.load()
    rows = np.arange(len(stored))
    np.testing.assert_array_equal(moved.gather(rows), stored.gather(rows))


def test_what_makes_shards_ends_as_soon_as_they_cannot_be_written(dataset, monkeypatch):
    def fail(files, shard):
        raise OSError(errno.ENOSPC, "No space left on device")

    ended = []

    def make():
        try:
            for name in ("a", "b", "c"):
                yield make_shard(name)
        finally:
            ended.append(name)

    monkeypatch.setattr(LocalShards, "write", fail)
    making = make()  # which is still referred to, as by the traceback
    with pytest.raises(DatasetError, match="No space left"):
        dataset.save(making)
    assert ended != []
