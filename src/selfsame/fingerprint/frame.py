"""Finding the frame that a sensor draws around a print."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

MAX_FRAME_SHARE = 0.1
"""Of a side: no sensor in sight draws a wider frame (the widest, SOCOFing's, takes 4 of 96 columns)."""

EVEN_RANGE = 3
"""Grey levels: a line that varies less holds no print. BMP and JPEG frames vary by 0 to 2."""

MIN_DEPTH = 16
"""Grey levels that a frame lies under the brightest pixel: an even line that does not is empty ground."""


def find_window(image: NDArray[np.uint8]) -> tuple[slice, slice]:
    """Find the rows and columns inside the sensor's frame.

    A line of pixels along a side is frame as long as it and all the lines outside it are even and dark. The
    ends of the lines are not looked at, because the frame's other sides cross there.

    Args:
        image: (height, width) uint8.

    Returns:
        The slices of rows and of columns to keep.
    """
    height, width = image.shape
    deep, broad = int(height * MAX_FRAME_SHARE), int(width * MAX_FRAME_SHARE)
    brightest = cv2.minMaxLoc(image)[1] - MIN_DEPTH if deep and broad else -1
    if brightest < 0:
        return slice(0, height), slice(0, width)
    lines = image.take(_list_pixels(height, width))
    lowest, highest = np.minimum.reduce(lines).astype(np.int16), np.maximum.reduce(lines)
    frame = ((highest <= brightest) & (highest - lowest <= EVEN_RANGE)).tolist()
    top, bottom = _count_leading(frame[:deep]), _count_leading(frame[deep : 2 * deep])
    left, right = _count_leading(frame[2 * deep : -broad]), _count_leading(frame[-broad:])
    return slice(top, height - bottom), slice(left, width - right)


@lru_cache(maxsize=16)
def _list_pixels(height: int, width: int) -> NDArray[np.intp]:
    """List the pixels of every line that may be frame.

    Returns:
        (pixels, lines) positions of every other pixel (ridges are wider apart) in the flat image. The lines
        come from the border inwards: those of the top, then of the bottom, the left and the right. Where a
        side is shorter, its lines are filled up with pixels of their own.
    """
    deep, broad = int(height * MAX_FRAME_SHARE), int(width * MAX_FRAME_SHARE)
    pixels = np.arange(height * width).reshape(height, width)
    across, down = pixels[:, broad : width - broad], pixels[deep : height - deep].T
    sides = (across[:deep], across[::-1][:deep], down[:broad], down[::-1][:broad])
    longest = max(across.shape[1], down.shape[1])
    filled = [np.pad(side, ((0, 0), (0, longest - side.shape[1])), mode="edge") for side in sides]
    return np.ascontiguousarray(np.concatenate(filled)[:, ::2].T)


def _count_leading(frame: list[bool]) -> int:
    """Count the lines from the first to the first that is not frame."""
    return frame.index(False) if False in frame else len(frame)
