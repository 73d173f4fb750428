import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfsame.imaging.resizing import resize


def test_halving_averages_blocks_of_four() -> None:
    image = np.array([[0, 100, 8, 8], [100, 200, 8, 8]], dtype=np.uint8)
    np.testing.assert_array_equal(resize(image, 1, 2), [[100, 8]])


def test_shrinking_does_not_alias_fine_stripes() -> None:
    stripes = np.tile(np.array([0, 255], dtype=np.uint8), (64, 64))
    small = resize(stripes, 16, 32)
    assert small.std() < 1  # interpolating linearly would keep or drop whole stripes
    assert abs(float(small.mean()) - 127.5) < 1


def test_enlarging_interpolates_between_neighbours() -> None:
    image = np.array([[0, 200]], dtype=np.uint8)
    row = resize(image, 1, 8)[0].astype(int)
    assert np.all(np.diff(row) >= 0)
    assert len(np.unique(row)) > 2


def test_an_image_of_the_size_is_returned_as_it_is() -> None:
    image = np.zeros((5, 7), dtype=np.uint8)
    assert resize(image, 5, 7) is image


@pytest.mark.parametrize("size", [(10, 80), (80, 10)])
def test_one_side_may_grow_while_the_other_shrinks(size: tuple[int, int]) -> None:
    assert resize(np.full((40, 40), 9, dtype=np.uint8), *size).tolist() == np.full(size, 9).tolist()


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 60), st.integers(1, 60), st.integers(0, 255))
def test_a_flat_image_stays_flat(h: int, w: int, height: int, width: int, level: int) -> None:
    resized = resize(np.full((h, w), level, dtype=np.uint8), height, width)
    assert resized.shape == (height, width)
    assert resized.dtype == np.uint8
    assert np.all(resized == level)
