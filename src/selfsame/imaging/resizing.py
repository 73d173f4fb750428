"""Resizing of images and masks, with the filter that the direction asks for."""

import cv2
import numpy as np
from numpy.typing import NDArray

# Linear interpolation reads the four nearest pixels only: shrinking by more than this skips pixels (it
# aliases), while averaging over areas blurs in blocks when it enlarges.
AREA_FROM = 1.5


def resize(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Resize a (h, w) uint8 image to (height, width) px.

    Pixels are averaged over areas where a side shrinks by `AREA_FROM` or more and none grows, else
    interpolated linearly. An image that has the size already is returned as it is.

    >>> resize(np.array([[0, 100], [100, 200]], dtype=np.uint8), 1, 1)
    array([[100]], dtype=uint8)
    """
    if image.shape == (height, width):
        return image
    shrink = (image.shape[0] / height, image.shape[1] / width)
    area = min(shrink) >= 1 and max(shrink) >= AREA_FROM
    resized = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if area else cv2.INTER_LINEAR)
    return np.asarray(resized, dtype=np.uint8)
