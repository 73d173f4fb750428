"""Shards on an object store: published whole, copied once to a local cache, checked there."""

import os
import platform
from pathlib import Path

import fsspec
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from kedro.framework.project import configure_project
from kedro.framework.session import KedroSession
from kedro.io import DatasetError

from selfsame.datasets.arrays import ArraysDataset, MadeShardsDataset
from selfsame.datasets.remote_shards import RemoteShards
from selfsame.errors import InputError
from selfsame.shards.arrays import Entry, Shard, ShardRecord
from selfsame.shards.checksums import checksum_pixels

PROJECT = Path(__file__).parents[2]
ROOT = "memory://bucket/arrays"


def make_shard(name, rows=3, seed=0, provisional=False):
    pixels = np.random.default_rng(seed).integers(0, 256, (rows, 2, 4, 6), dtype=np.uint8)
    entries = tuple(Entry(f"{name}{row}", 0, row, None, None, {"x": 0.1}) for row in range(rows))
    record = ShardRecord(
        shape=pixels.shape,
        xxh128=checksum_pixels(pixels),
        entries=entries,
        seconds={"decode": 0.5},
        provisional=provisional,
        recipe="r",
    )
    return Shard(name, pixels, record)


@pytest.fixture
def store():
    """An empty store."""
    filesystem = fsspec.filesystem("memory")
    filesystem.store.clear()
    filesystem.pseudo_dirs[:] = [""]
    yield filesystem
    filesystem.store.clear()


@pytest.fixture
def dataset(store, tmp_path):
    return ArraysDataset(filepath=ROOT, cache=str(tmp_path / "cache"))


@pytest.fixture
def elsewhere(store, tmp_path):
    """The same arrays, seen from another machine."""
    return ArraysDataset(filepath=ROOT, cache=str(tmp_path / "elsewhere"))


@pytest.fixture
def made(store, tmp_path):
    return MadeShardsDataset(filepath=ROOT, cache=str(tmp_path / "cache"))


def objects(store):
    return sorted(path.rpartition("/")[2] for path in store.find("/bucket/arrays"))


def count_fetches(monkeypatch):
    fetched = []
    get_file = MemoryFileSystem.get_file
    monkeypatch.setattr(
        MemoryFileSystem,
        "get_file",
        lambda self, path, *rest, **options: (
            fetched.append(path.rpartition("/")[2]),
            get_file(self, path, *rest, **options),
        ),
    )
    return fetched


def test_a_worker_writes_the_same_objects_and_keeps_no_copy(dataset, elsewhere, made, store, tmp_path):
    shards = [make_shard("a"), make_shard("b", rows=0)]
    dataset.save(shards)
    written = {name: store.cat_file(f"/bucket/arrays/{name}") for name in objects(store)}
    store.rm("/bucket/arrays", recursive=True)
    for path in (tmp_path / "cache").iterdir():
        path.unlink()
    for shard in shards:
        made.load().writer.deliver(shard)
    assert not list((tmp_path / "cache").iterdir())
    for name, content in written.items():
        if name.endswith(".npy"):
            assert store.cat_file(f"/bucket/arrays/{name}") == content
    elsewhere.save(iter(["a", "b"]))
    assert (elsewhere.load().gather(np.arange(3)) == shards[0].pixels).all()


def test_a_worker_that_the_store_refuses_is_named_with_the_stores_own_words(made, monkeypatch):
    def refuse(*_given, **_named):
        raise RuntimeError("no\ncredentials")

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", refuse)
    told = rf"shards to {ROOT}, but {platform.node()} cannot \(RuntimeError: no credentials\): give it"
    with pytest.raises(InputError, match=told):
        made.load().writer.deliver(make_shard("a"))


def test_a_store_that_refuses_the_main_process_is_named_too(dataset, monkeypatch):
    def refuse(*_given, **_named):
        raise RuntimeError("no\ncredentials")

    monkeypatch.setattr(MemoryFileSystem, "put_file", refuse)
    told = rf"shards to {ROOT}, but {platform.node()} cannot \(RuntimeError: no credentials\): give it"
    with pytest.raises(DatasetError, match=told):
        dataset.save([make_shard("a")])


@pytest.mark.parametrize(
    ("path", "reach"), [("memory://x", "process"), ("file:///x", "machine"), ("https://x/y", "anywhere")]
)
def test_what_workers_can_reach_follows_from_the_filesystem(path, reach, tmp_path):
    assert RemoteShards(path, tmp_path, {}).reach == reach


def test_shards_saved_on_one_machine_load_on_another_as_read_only_maps(dataset, elsewhere):
    shards = [make_shard("b", seed=1), make_shard("a", seed=2), make_shard("empty", rows=0)]
    dataset.save(iter(shards))
    loaded = elsewhere.load()
    assert loaded.shape == (6, 2, 4, 6)
    np.testing.assert_array_equal(loaded.gather(loaded.rows(["b"], [2]))[0], shards[0].pixels[2])
    assert loaded.records["a"].entries == shards[1].record.entries
    assert not any(pixels.flags.writeable or pixels.flags.owndata for pixels in loaded._pixels[:2])


def test_pixels_travel_once(dataset, elsewhere, monkeypatch):
    dataset.save([make_shard("a"), make_shard("b", seed=1)])
    fetched = count_fetches(monkeypatch)
    dataset.load()
    assert not fetched  # who made them has them
    elsewhere.load()
    elsewhere.load()
    assert sorted(fetched) == ["a.npy", "b.npy"]


def test_a_shard_that_was_made_again_under_its_name_is_not_taken_from_the_cache(dataset, elsewhere):
    dataset.save([make_shard("a", provisional=True)])
    elsewhere.load()
    dataset.save([again := make_shard("a", seed=9)])
    np.testing.assert_array_equal(elsewhere.load().gather(np.arange(3)), again.pixels)


def test_a_damaged_copy_in_the_cache_is_fetched_again(dataset, elsewhere, tmp_path):
    dataset.save([shard := make_shard("a")])
    elsewhere.load()
    (cached,) = (tmp_path / "elsewhere").glob("*.npy")
    content = bytearray(cached.read_bytes())
    content[-1] ^= 1
    cached.write_bytes(content)
    np.testing.assert_array_equal(elsewhere.load().gather(np.arange(3)), shard.pixels)


DAMAGES = {
    "pixel flipped": lambda store, path: store.pipe_file(
        f"{path}.npy", store.cat_file(f"{path}.npy")[:-1] + b"?"
    ),
    "cut short": lambda store, path: store.pipe_file(f"{path}.npy", store.cat_file(f"{path}.npy")[:-9]),
    "pixels gone": lambda store, path: store.rm_file(f"{path}.npy"),
    "record gone": lambda store, path: store.rm_file(f"{path}.json"),
    "record cut short": lambda store, path: store.pipe_file(f"{path}.json", b"{"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damage_on_the_store_is_named_with_the_remedy(dataset, elsewhere, store, tmp_path, damage):
    dataset.save([make_shard("a"), make_shard("b")])
    damage(store, "/bucket/arrays/a")
    with pytest.raises(DatasetError, match=r"shard a.*run preprocessing again"):
        elsewhere.load()
    assert not list((tmp_path / "elsewhere").glob("*.part"))


@pytest.mark.parametrize("damage", list(DAMAGES)[1:])
def test_what_is_missing_or_cut_on_the_store_is_made_again(dataset, made, store, damage):
    dataset.save([make_shard("a"), make_shard("b"), make_shard("c", provisional=True)])
    assert made.load().made == {"a", "b"}
    DAMAGES[damage](store, "/bucket/arrays/a")
    assert made.load().made == {"b"}
    dataset.save(["b", make_shard("a"), make_shard("c")])
    assert made.load().made == {"a", "b", "c"}


def test_shards_that_are_not_named_leave_the_store_and_the_cache(dataset, store, tmp_path):
    dataset.save([make_shard("a"), make_shard("b", seed=1)])
    (tmp_path / "cache" / "left.npy.4194305.part").write_bytes(b"half")
    dataset.save(["b"])
    assert objects(store) == ["b.json", "b.npy"]
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".npy"]


def test_copies_that_another_run_is_fetching_stay_in_the_cache(dataset, tmp_path):
    dataset.save([make_shard("a")])
    fetching = tmp_path / "cache" / f"b.npy.{os.getppid()}.part"
    fetching.write_bytes(b"half")
    dataset.save(["a"])
    assert fetching.exists()


def test_an_upload_that_fails_keeps_finished_and_old_shards(dataset, elsewhere, store):
    dataset.save([make_shard("old")])

    def break_down():
        yield make_shard("new", seed=1)
        raise RuntimeError("lost power")

    with pytest.raises(DatasetError, match="lost power"):
        dataset.save(break_down())
    assert objects(store) == ["new.json", "new.npy", "old.json", "old.npy"]
    assert len(elsewhere.load()) == 6


def test_a_download_that_breaks_off_leaves_nothing_behind(dataset, elsewhere, tmp_path, monkeypatch):
    dataset.save([make_shard("a")])

    def break_off(self, path, local, **_):
        Path(local).write_bytes(b"half")
        raise ConnectionResetError(104, "Connection reset by peer")

    with monkeypatch.context() as patch:
        patch.setattr(MemoryFileSystem, "get_file", break_off)
        with pytest.raises(DatasetError, match=r"expected to copy shard a .*Connection reset.*run again"):
            elsewhere.load()
    assert not list((tmp_path / "elsewhere").iterdir())
    assert len(elsewhere.load()) == 3


def test_a_store_without_arrays_says_what_makes_them(dataset, made):
    assert made.load().made == frozenset()
    assert not dataset.exists()
    with pytest.raises(DatasetError, match="run preprocessing"):
        dataset.load()


def describe_places(tmp_path, **roots):
    configure_project("selfsame")
    given = {"data": str(tmp_path), **roots}
    with KedroSession.create(project_path=PROJECT, env="smoke", runtime_params=given) as session:
        catalog = session.load_context().catalog
        names = ("biometrics.fingerprint.arrays", "biometrics.fingerprint.made_shards")
        return {catalog.get(name)._describe()["filepath"] for name in names}


def test_the_arrays_alone_may_have_a_root_of_their_own(tmp_path):
    inside = "04_feature/biometrics/fingerprint/arrays"
    assert describe_places(tmp_path) == {f"{tmp_path}/{inside}"}
    assert describe_places(tmp_path, arrays="memory://bucket/all") == {f"memory://bucket/all/{inside}"}


def test_altered_pixels_on_the_store_are_named_and_then_made_again(dataset, elsewhere, made, store):
    dataset.save([make_shard("a"), make_shard("b", seed=1)])
    with store.open("/bucket/arrays/a.npy", "rb") as file:
        content = bytearray(file.read())
    content[-1] ^= 1
    store.pipe_file("/bucket/arrays/a.npy", bytes(content))
    with pytest.raises(DatasetError, match=r"expected pixels of checksum .* in shard a, got others"):
        elsewhere.load()
    assert made.load().made == {"b"}
    dataset.save([make_shard("a"), "b"])
    assert len(elsewhere.load()) == 6
