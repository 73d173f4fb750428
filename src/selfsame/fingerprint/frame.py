"""Finding the frame that a sensor draws around a print."""

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
    if image.size == 0:
        return slice(0, height), slice(0, width)
    deep, broad = int(height * MAX_FRAME_SHARE), int(width * MAX_FRAME_SHARE)
    brightest = int(image.max()) - MIN_DEPTH
    across, down = image[:, broad : width - broad], image[deep : height - deep].T
    top = _count_even(across[:deep], brightest)
    bottom = _count_even(across[height - deep :][::-1], brightest)
    left = _count_even(down[:broad], brightest)
    right = _count_even(down[width - broad :][::-1], brightest)
    return slice(top, height - bottom), slice(left, width - right)


def _count_even(lines: NDArray[np.uint8], brightest: int) -> int:
    """Count the even dark lines from the first to the first that is not."""
    for i, line in enumerate(lines):
        if line[0] > brightest:
            return i
        lowest, highest, _, _ = cv2.minMaxLoc(line)
        if highest > brightest or highest - lowest > EVEN_RANGE:
            return i
    return len(lines)
