"""Finding the frame that a sensor draws around a print."""

import cv2
import numpy as np
from numpy.typing import NDArray

MAX_FRAME_SHARE = 0.1
"""Of a side: no sensor in sight draws a wider frame (the widest, SOCOFing's, takes 4 of 96 columns)."""

EVEN_RANGE = 3
"""Grey levels: a line that varies less holds no print. BMP and JPEG frames vary by 0 to 2."""


def find_window(image: NDArray[np.uint8]) -> tuple[slice, slice]:
    """Find the rows and columns inside the sensor's frame.

    A line of pixels along a side is frame as long as it and all the lines outside it are even. The ends of
    the lines are not looked at, because the frame's other sides cross there.

    Args:
        image: (height, width) uint8.

    Returns:
        The slices of rows and of columns to keep. Even background next to the frame may go with it.
    """
    height, width = image.shape
    deep, broad = int(height * MAX_FRAME_SHARE), int(width * MAX_FRAME_SHARE)
    if deep == 0 or broad == 0:
        return slice(0, height), slice(0, width)
    top = _count_even(image[:deep, broad:-broad], along_rows=True, outside_first=True)
    bottom = _count_even(image[-deep:, broad:-broad], along_rows=True, outside_first=False)
    left = _count_even(image[deep:-deep, :broad], along_rows=False, outside_first=True)
    right = _count_even(image[deep:-deep, -broad:], along_rows=False, outside_first=False)
    return slice(top, height - bottom), slice(left, width - right)


def _count_even(strip: NDArray[np.uint8], *, along_rows: bool, outside_first: bool) -> int:
    """Count the even lines of a strip from its outside until the first that holds something."""
    axis = 1 if along_rows else 0
    spread = cv2.subtract(cv2.reduce(strip, axis, cv2.REDUCE_MAX), cv2.reduce(strip, axis, cv2.REDUCE_MIN))
    uneven = np.flatnonzero(spread.ravel() > EVEN_RANGE)
    if uneven.size == 0:
        return int(spread.size)
    return int(uneven[0]) if outside_first else int(spread.size - 1 - uneven[-1])
