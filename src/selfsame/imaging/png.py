"""PNG: how captures that are made here are written, without loss."""

import cv2
import numpy as np
from numpy.typing import NDArray

EFFORT = 1
"""zlib's level: noise does not compress, so that more effort only costs time."""


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """Encode (h, w) uint8 as an 8-bit grey PNG."""
    _, encoded = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, EFFORT])
    return bytes(encoded.tobytes())
