"""Many shards read as one array."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfsame.errors import MismatchError
from selfsame.shards.arrays import ShardedArrays, ShardRecord

SIZES = {"b": 3, "a": 2, "empty": 0, "c": 4}


def draw_pixels(rows, seed=0, height=4, width=6):
    return np.random.default_rng(seed).integers(0, 256, (rows, 2, height, width), dtype=np.uint8)


@pytest.fixture
def pixels():
    return {name: draw_pixels(rows, seed) for seed, (name, rows) in enumerate(SIZES.items())}


def test_shape_counts_the_rows_of_all_shards(pixels):
    assert ShardedArrays(pixels).shape == (9, 2, 4, 6)


@given(data=st.data())
def test_gathered_rows_are_the_rows_of_their_shards(data):
    pixels = {name: draw_pixels(rows, seed) for seed, (name, rows) in enumerate(SIZES.items())}
    places = [(name, row) for name, rows in SIZES.items() for row in range(rows)]
    chosen = data.draw(st.lists(st.sampled_from(places), max_size=12))
    arrays = ShardedArrays(pixels)
    batch = arrays.gather(arrays.rows([name for name, _ in chosen], [row for _, row in chosen]))
    assert batch.shape == (len(chosen), 2, 4, 6)
    for got, (name, row) in zip(batch, chosen, strict=True):
        np.testing.assert_array_equal(got, pixels[name][row])


def test_gathering_writes_into_the_buffer_that_is_given(pixels):
    buffer = np.full((2, 2, 4, 6), 7, dtype=np.uint8)
    returned = ShardedArrays(pixels).gather(np.array([8, 0]), out=buffer)
    assert returned is buffer
    np.testing.assert_array_equal(buffer, [pixels["c"][3], pixels["a"][0]])


def test_a_failed_capture_has_no_row_and_gathers_as_zeros(pixels):
    arrays = ShardedArrays(pixels)
    rows = arrays.rows([None, "b"], [-1, 1])
    assert rows[0] == -1
    batch = arrays.gather(rows, out=np.full((2, 2, 4, 6), 7, dtype=np.uint8))
    assert not batch[0].any()
    np.testing.assert_array_equal(batch[1], pixels["b"][1])


@pytest.mark.parametrize(("shard", "row"), [("gone", 0), ("a", 2), ("empty", 0), (None, 0)])
def test_a_row_that_the_arrays_do_not_have_is_a_mismatch(pixels, shard, row):
    with pytest.raises(MismatchError, match="index and arrays are of different runs"):
        ShardedArrays(pixels).rows([shard], [row])


@pytest.mark.parametrize("row", [9, -2])
def test_a_global_row_out_of_range_is_refused(pixels, row):
    with pytest.raises(IndexError, match="from -1 to 8"):
        ShardedArrays(pixels).gather(np.array([row]))


def test_no_shards_are_refused():
    with pytest.raises(MismatchError, match="got none: run preprocessing"):
        ShardedArrays({})


@pytest.mark.parametrize(
    "other", [draw_pixels(1, height=5), draw_pixels(1).astype(np.int16), draw_pixels(1)[:, :1]]
)
def test_shards_of_another_size_or_type_are_refused(pixels, other):
    with pytest.raises(MismatchError, match="in shard other"):
        ShardedArrays({**pixels, "other": other})


def make_records(*recipes):
    return {
        name: ShardRecord(
            shape=(1, 2, 4, 6), xxh128="", entries=(), seconds={}, provisional=False, recipe=recipe
        )
        for name, recipe in zip("ab", recipes, strict=False)
    }


def test_arrays_know_the_normalisation_that_made_them(pixels):
    assert ShardedArrays(pixels, make_records("r", "r")).recipe == "r"
    assert ShardedArrays(pixels).recipe == ""


def test_shards_of_two_normalisations_are_a_mismatch(pixels):
    with pytest.raises(MismatchError, match="made by one normalisation, got 2: run preprocessing again"):
        _ = ShardedArrays(pixels, make_records("r", "s")).recipe


def test_memory_mapped_shards_travel_as_the_names_of_their_files(tmp_path):
    pixels = draw_pixels(3, height=64, width=64)
    np.save(tmp_path / "a.npy", pixels)
    mapped = ShardedArrays({"a": np.load(tmp_path / "a.npy", mmap_mode="r")})
    assert len(pickle.dumps(mapped)) < 1000
    np.testing.assert_array_equal(copy.deepcopy(mapped).gather([2, -1, 0]), mapped.gather([2, -1, 0]))


@pytest.mark.parametrize("first", [None, 1])
def test_shards_in_memory_and_parts_of_files_travel_with_their_pixels(tmp_path, first):
    pixels = draw_pixels(3)
    np.save(tmp_path / "a.npy", pixels)
    part = pixels if first is None else np.load(tmp_path / "a.npy", mmap_mode="r")[first:3]
    sent = copy.deepcopy(ShardedArrays({"a": part}))  # as pickle does it
    np.testing.assert_array_equal(sent.gather([0, 1]), part[:2])
