import struct
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from selfsame.imaging.bmp import read_plain_bmp

CAP = 10_000


def write(pixels, mode, **options):
    buffer = BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, "BMP", **options)
    return buffer.getvalue()


def write_bit_fields(pixels):
    """Write 32 bits a pixel with masks in a BITMAPV5HEADER, as the software of sensors does."""
    height, width, _ = pixels.shape
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    header = struct.pack("<IiiHHIIiiII", 124, width, height, 1, 32, 3, 0, 0, 0, 0, 0) + masks
    header = header.ljust(124, b"\0")
    alpha = np.full((height, width, 1), 7, np.uint8)
    body = np.concatenate([pixels[::-1, :, ::-1], alpha], axis=2).tobytes()
    return struct.pack("<2sIII", b"BM", 138 + len(body), 0, 138) + header + body


@given(st.integers(4, 40), st.integers(4, 40), st.sampled_from(["RGB", "RGBA"]), st.integers(0, 99))
def test_plain_bmp_is_the_luma_of_its_colours(height, width, mode, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    grey = read_plain_bmp(write(pixels, mode), max_pixels=CAP)
    assert grey.shape == (height, width)
    # Rounding to whole levels costs half a level, and OpenCV's integer weights (2^-14 of 255) a little more.
    np.testing.assert_allclose(grey, pixels @ [0.299, 0.587, 0.114], rtol=0, atol=0.53)


def test_grey_levels_of_bit_fields_come_back_exactly():
    grey = np.random.default_rng(0).integers(0, 256, (13, 7), dtype=np.uint8)
    data = write_bit_fields(np.dstack([grey] * 3))
    np.testing.assert_array_equal(read_plain_bmp(data, max_pixels=CAP), grey)
    with Image.open(BytesIO(data)) as expected:
        np.testing.assert_array_equal(np.asarray(expected.convert("L")), grey)


@pytest.mark.parametrize("mode", ["L", "P", "1"])
def test_palettes_are_left_to_the_library(mode):
    assert read_plain_bmp(write(np.zeros((9, 9), np.uint8), mode), max_pixels=CAP) is None


@pytest.mark.parametrize("kept", [0, 1, 20, 54, 69, -1])
def test_file_that_is_cut_short_is_not_judged_here(kept):
    data = write_bit_fields(np.zeros((8, 8, 3), np.uint8))
    assert read_plain_bmp(data[:kept], max_pixels=CAP) is None


def test_cap_counts_pixels_and_is_inclusive():
    data = write_bit_fields(np.zeros((8, 8, 3), np.uint8))
    assert read_plain_bmp(data, max_pixels=64) is not None
    assert read_plain_bmp(data, max_pixels=63) is None


@pytest.mark.parametrize(
    ("place", "value"),
    [(18, 0), (18, -8), (22, -8), (10, 20), (28, 16), (30, 1), (54, 0xFF), (14, 12)],
    ids=["no width", "negative width", "top down", "offset", "bits", "compression", "mask", "old header"],
)
def test_unusual_header_is_left_to_the_library(place, value):
    data = bytearray(write_bit_fields(np.zeros((8, 8, 3), np.uint8)))
    kind = "<H" if place == 28 else "<i"
    struct.pack_into(kind, data, place, value)
    assert read_plain_bmp(bytes(data), max_pixels=CAP) is None
