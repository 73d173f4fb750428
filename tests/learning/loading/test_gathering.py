"""Rows of many shards copied by one call."""

import copy
import gc
import math
import mmap
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfsame.learning.loading import gathering
from selfsame.learning.loading.gathering import RowGatherer
from selfsame.shards.arrays import ShardedArrays


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


@given(row=st.integers(-(2**63), 2**63 - 1) | st.integers(-20, 20))
def test_any_number_is_a_row_of_the_arrays_or_refused(row):
    arrays = ShardedArrays({str(i): draw(rows, (3, 5), i) for i, rows in enumerate((2, 4, 3))})
    if -1 <= row < 9:
        np.testing.assert_array_equal(gather(arrays, [0, row]), arrays.gather(np.array([0, row])))
    else:
        with pytest.raises(IndexError, match="from -1 to 8"):
            gather(arrays, [0, row])


@pytest.mark.parametrize("shape", [(3, 4800), (1, 4800), (2, 4799), (2, 2, 40, 60)])
def test_room_of_another_size_is_refused(mapped, shape):
    out = np.full(shape, 7, np.uint8)
    with pytest.raises(ValueError, match=r"expected room for \(2, 4800\) bytes, got"):
        RowGatherer(mapped).gather(np.array([0, 1]), out)
    assert (out == 7).all()


def send_away(gatherer):
    return pickle.loads(pickle.dumps(gatherer))  # noqa: S301 - its own


@pytest.mark.parametrize("send", [copy.copy, copy.deepcopy, send_away])
def test_a_gatherer_that_is_copied_or_sent_reads_its_own_arrays(mapped, send):
    rows, out = np.array([8, -1, 3]), np.full((3, 4800), 7, np.uint8)
    expected = mapped.gather(rows).reshape(3, -1)
    sent = send(RowGatherer(mapped))
    sent.gather(rows, out)
    np.testing.assert_array_equal(out, expected)


def test_maps_live_as_long_as_the_gatherer(map_files):
    shards = [draw(rows, (40, 60), rows) for rows in (3, 1, 5)]
    arrays, _ = map_files(shards)
    gatherer = RowGatherer(arrays)
    del arrays
    gc.collect()
    out = np.zeros((9, 4800), np.uint8)
    gatherer.gather(np.arange(9), out)
    np.testing.assert_array_equal(out, np.concatenate(shards).reshape(9, -1))


def test_announced_rows_are_told_one_by_one(map_files):
    row = 2 * 40 * 60
    arrays, told = map_files([draw(3, (40, 60)), draw(1, (40, 60)), draw(5, (40, 60))])
    gatherer = RowGatherer(arrays)
    gatherer.announce(np.array([3, -1, 0, 6]))
    gatherer.leave(np.array([5]))
    assert [one.advice for one in told] == [mmap.MADV_WILLNEED] * 3 + [mmap.MADV_DONTNEED]
    header = 128  # bytes of a .npy file before its pixels
    wanted = [(header, header + row), (header, header + row), (header + 2 * row, header + 3 * row)]
    pages = [(begin - begin % mmap.PAGESIZE, end) for begin, end in wanted]
    assert sorted((one.begin, one.end) for one in told[:3]) == pages  # rows 0 of two files, 2 of another
    assert told[3][1:] == (header + row - (header + row) % mmap.PAGESIZE, header + 2 * row)


def test_rows_that_were_left_are_read_again(map_files):
    arrays, told = map_files([draw(3, (40, 60)), draw(1, (40, 60))])
    gatherer, rows = RowGatherer(arrays), np.arange(-1, 4)
    gatherer.read_exactly(exactly=True)
    gatherer.announce(rows)
    gatherer.leave(rows)
    assert {one.advice for one in told} == {mmap.MADV_RANDOM, mmap.MADV_WILLNEED, mmap.MADV_DONTNEED}
    np.testing.assert_array_equal(gather(arrays, rows), arrays.gather(rows))


def test_memory_that_advice_could_lose_is_left_alone(tmp_path):
    np.save(tmp_path / "a.npy", draw(3, (40, 60)))
    for pixels in (draw(3, (40, 60)), np.load(tmp_path / "a.npy", mmap_mode="c")):
        arrays = ShardedArrays({"a": pixels})
        pixels[:] = 5
        RowGatherer(arrays).leave(np.arange(3))  # would be zeros, or those of the file, again
        assert (gather(arrays, [0, 2]) == 5).all()
