"""Plain PGM files: the same levels as by Pillow's plug-in, and nothing else is touched."""

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import PpmImagePlugin

from selfsame.imaging.decoding import decode
from selfsame.imaging.pgm import read_plain_pgm


def make_pgm(pixels, header=b"P5\n%d %d\n255\n"):
    return header % pixels.shape[::-1] + pixels.tobytes()


def read(data):
    return read_plain_pgm(data, max_pixels=1000)


@given(height=st.integers(1, 30), width=st.integers(1, 30), seed=st.integers(0, 99))
def test_levels_are_those_of_the_plug_in(height, width, seed):
    data = make_pgm(np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8))
    np.testing.assert_array_equal(read(data), np.asarray(PpmImagePlugin.PpmImageFile(BytesIO(data), "")))


def test_a_first_pixel_that_looks_like_white_space_is_a_pixel():
    pixels = np.full((2, 3), ord("\n"), np.uint8)
    np.testing.assert_array_equal(read(make_pgm(pixels)), pixels)


PIXELS = np.arange(12, dtype=np.uint8).reshape(3, 4)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        make_pgm(PIXELS)[:-1],
        make_pgm(PIXELS, b"P6 %d %d 255 "),
        make_pgm(PIXELS, b"P5 # a comment\n%d %d 255 "),
        make_pgm(PIXELS, b"P5 %d %d 254 "),
        make_pgm(PIXELS, b"P5 %d %d 65535 "),
        b"P5 0 4 255 ",
        b"P5 1001 1 255 " + bytes(1001),
        b"P5 99999999999 1 255 ",
    ],
)
def test_anything_else_is_not_judged(data):
    assert read(data) is None


def test_a_plain_file_and_one_with_a_comment_decode_alike():
    plain, commented = make_pgm(PIXELS), make_pgm(PIXELS, b"P5\n# a comment\n%d %d\n255\n")
    one, other = decode(plain, max_pixels=1000), decode(commented, max_pixels=1000)
    np.testing.assert_array_equal(one.grey, other.grey)
    assert one.format == other.format == "PPM"
