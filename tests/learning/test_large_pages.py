"""Memory in large pages, and where there are none."""

import mmap

import numpy as np
import pytest

from selfsame.learning.large_pages import LARGE_PAGE, allocate_pixels


@pytest.mark.parametrize("shape", [(0, 2, 4, 6), (3, 2, 4, 6), (LARGE_PAGE,), (5, 2, 700, 700)])
def test_memory_is_writable_zeros_of_the_shape(shape):
    pixels = allocate_pixels(shape)
    assert pixels.shape == shape
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert not pixels.any()
    pixels[:] = 255
    assert (pixels == 255).all()


def test_much_memory_begins_on_a_large_page():
    assert allocate_pixels((LARGE_PAGE + 1,)).ctypes.data % LARGE_PAGE == 0


def test_two_calls_share_no_memory():
    one, other = allocate_pixels((LARGE_PAGE,)), allocate_pixels((LARGE_PAGE,))
    one[:] = 1
    assert not other.any()


@pytest.mark.parametrize("missing", ["advice", "kernel"])
def test_memory_comes_without_large_pages_too(missing, monkeypatch):
    if missing == "advice":
        monkeypatch.delattr(mmap, "MADV_HUGEPAGE", raising=False)
    else:
        monkeypatch.setattr(mmap, "MADV_HUGEPAGE", 10**6, raising=False)  # which no kernel knows
    pixels = allocate_pixels((LARGE_PAGE,))
    pixels[:] = 1
    assert pixels.all()
