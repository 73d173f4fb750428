import numpy as np
import pytest

from selfsame.fingerprint.frame import find_window


def surround(print_area, *, top, left, bottom, right, level):
    return np.pad(print_area, ((top, bottom), (left, right)), constant_values=level)


@pytest.mark.parametrize("level", [0, 105, 200])
def test_dark_frame_is_cut_off_each_side_by_its_own_width(rings, level):
    framed = surround(rings(80, 72, (36, 40), 60, 8), top=2, left=3, bottom=5, right=4, level=level)
    assert find_window(framed) == (slice(2, 82), slice(3, 75))


def test_frame_of_two_levels_is_cut_off_whole(rings):
    framed = surround(rings(80, 72, (36, 40), 60, 8), top=1, left=1, bottom=1, right=1, level=105)
    framed = surround(framed, top=1, left=1, bottom=1, right=1, level=160)
    assert find_window(framed) == (slice(2, 82), slice(2, 74))


def test_empty_ground_around_a_print_is_no_frame(rings):
    assert find_window(rings(100, 100, (50, 50), 30, 8)) == (slice(0, 100), slice(0, 100))


def test_print_that_reaches_the_border_is_no_frame(rings):
    assert find_window(rings(100, 100, (50, 50), 90, 8)) == (slice(0, 100), slice(0, 100))


def test_dark_image_keeps_its_middle():
    rows, columns = find_window(np.zeros((100, 60), np.uint8))
    assert (rows, columns) == (slice(0, 100), slice(0, 60))


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (3, 200)])
def test_tiny_image_is_kept_whole(shape):
    assert find_window(np.zeros(shape, np.uint8)) == (slice(0, shape[0]), slice(0, shape[1]))
