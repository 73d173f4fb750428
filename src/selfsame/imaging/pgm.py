"""Reading the plain PGM files of face data sets: binary, 8 bits a pixel, without comments."""

import re

import numpy as np
from numpy.typing import NDArray

_HEADER = re.compile(rb"P5\s{1,9}(\d{1,9})\s{1,9}(\d{1,9})\s{1,9}255\s")
"""Magic, width, height and the level of white, between white space (Netpbm, pgm(5)); then the pixels."""


def read_plain_pgm(data: bytes, *, max_pixels: int) -> NDArray[np.uint8] | None:
    """Read a plain PGM file as the array that its bytes are: many times as fast as by a plug-in.

    Args:
        data: the whole file.
        max_pixels: the most pixels (width times height) that are read.

    Returns:
        (height, width) uint8 luma, or None where the bytes are not a whole plain PGM of at most `max_pixels`:
        such a file is not judged here.
    """
    header = _HEADER.match(data)
    if header is None:
        return None
    width, height = int(header[1]), int(header[2])
    pixels, offset = width * height, header.end()
    if not 0 < pixels <= max_pixels or len(data) < offset + pixels:
        return None
    return np.frombuffer(data, np.uint8, pixels, offset).reshape(height, width)
