"""Rows of many shards copied by one call."""

import math
import mmap

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfsame.imaging.arrays import ShardedArrays
from selfsame.learning import gathering
from selfsame.learning.gathering import RowGatherer


def draw(rows, size, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (rows, 2, *size), dtype=np.uint8)


def gather(arrays, rows):
    out = np.full((len(rows), *arrays.shape[1:]), 7, dtype=np.uint8)
    RowGatherer(arrays).gather(
        np.asarray(rows, dtype=np.int64), out.reshape(len(rows), math.prod(out.shape[1:]))
    )
    return out


@pytest.fixture
def mapped(tmp_path):
    """Shards in files of unlike sizes, as memory maps."""
    for name, rows in {"a": 3, "b": 1, "c": 5}.items():
        np.save(tmp_path / f"{name}.npy", draw(rows, (40, 60), rows))
    return ShardedArrays({name: np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "abc"})


@given(
    counts=st.lists(st.integers(0, 4), min_size=1, max_size=5),
    size=st.tuples(st.integers(1, 5), st.integers(1, 9)),
    data=st.data(),
)
def test_rows_are_those_that_the_arrays_give(counts, size, data):
    arrays = ShardedArrays({str(i): draw(rows, size, i) for i, rows in enumerate(counts)})
    rows = np.array(data.draw(st.lists(st.integers(-1, len(arrays) - 1), max_size=9)), dtype=np.int64)
    np.testing.assert_array_equal(gather(arrays, rows), arrays.gather(rows))


def test_rows_come_from_memory_maps(mapped):
    rows = np.array([8, 0, 3, -1, 8, 5])
    np.testing.assert_array_equal(gather(mapped, rows), mapped.gather(rows))


def test_shards_too_far_apart_are_copied_one_by_one(mapped, monkeypatch):
    monkeypatch.setattr(gathering, "MOST_BYTES", 2)
    rows = np.array([2, -1, 7])
    np.testing.assert_array_equal(gather(mapped, rows), mapped.gather(rows))


def test_shards_with_gaps_between_their_rows_are_copied_one_by_one():
    pixels = draw(8, (4, 6))
    arrays = ShardedArrays({"even": pixels[::2], "odd": pixels[1::2]})
    np.testing.assert_array_equal(gather(arrays, [0, 4, 3]), pixels[[0, 1, 6]])


@pytest.mark.parametrize("row", [9, -2])
def test_a_row_out_of_range_is_refused(mapped, row):
    with pytest.raises(IndexError, match="from -1 to 8"):
        gather(mapped, [0, row])


def test_announced_rows_are_told_one_by_one(mapped, monkeypatch):
    told = []
    monkeypatch.setattr(
        gathering._Mappings, "advise_range", lambda _, address, count, advice: told.append((count, advice))
    )
    gatherer = RowGatherer(mapped)
    gatherer.announce(np.array([3, -1, 0]))
    gatherer.leave(np.array([5]))
    row = 2 * 40 * 60
    assert told == [(row, mmap.MADV_WILLNEED)] * 2 + [(row, mmap.MADV_DONTNEED)]


def test_rows_that_were_left_are_read_again(mapped):
    gatherer, rows = RowGatherer(mapped), np.arange(-1, 9)
    gatherer.read_exactly(exactly=True)
    gatherer.announce(rows)  # the kernel refuses what is not mapped or not on a page
    gatherer.leave(rows)
    np.testing.assert_array_equal(gather(mapped, rows), mapped.gather(rows))
    assert len(gatherer._mappings._maps) == 3


def test_memory_that_advice_could_lose_is_left_alone(tmp_path):
    np.save(tmp_path / "a.npy", draw(3, (40, 60)))
    for pixels in (draw(3, (40, 60)), np.load(tmp_path / "a.npy", mmap_mode="c")):
        arrays = ShardedArrays({"a": pixels})
        pixels[:] = 5
        gatherer = RowGatherer(arrays)
        gatherer.leave(np.arange(3))
        assert not gatherer._mappings._maps
        assert (gather(arrays, [0, 2]) == 5).all()
