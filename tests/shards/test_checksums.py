"""Checksums: the published digits, however the bytes come."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfsame.shards.checksums import checksum, checksum_of, checksum_pixels


@pytest.mark.parametrize(
    ("data", "digits"),
    [(b"", "99aa06d3014798d86001c324468d497f"), (b"abc", "06b05ab6733a618578af5f94892f3950")],
)
def test_the_digits_are_those_of_xxh128sum(data, digits):
    assert checksum(data) == digits


@given(st.binary(max_size=3000), st.integers(1, 700))
def test_pieces_make_the_checksum_of_the_whole(data, size):
    pieces = (memoryview(data)[start : start + size] for start in range(0, len(data), size))
    assert checksum_of(pieces) == checksum(data)


@given(st.binary(min_size=1, max_size=3000), st.data())
def test_any_flipped_bit_is_seen(data, drawn):
    bit = drawn.draw(st.integers(0, 8 * len(data) - 1))
    flipped = bytearray(data)
    flipped[bit // 8] ^= 1 << bit % 8
    assert checksum(bytes(flipped)) != checksum(data)


def test_pixels_are_read_in_c_order_whatever_their_memory():
    pixels = np.arange(48, dtype=np.uint8).reshape(2, 4, 6)
    assert checksum_pixels(pixels) == checksum(pixels.tobytes())
    assert checksum_pixels(np.asfortranarray(pixels)) == checksum(pixels.tobytes())
    assert checksum_pixels(pixels[:0]) == checksum(b"")
