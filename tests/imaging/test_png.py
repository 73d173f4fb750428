"""PNG: an image that is written and read again loses nothing."""

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from selfsame.imaging.png import encode_png


@given(st.integers(1, 40), st.integers(1, 40))
def test_png_keeps_every_pixel(height: int, width: int) -> None:
    image = np.random.default_rng(height).integers(0, 256, (height, width), dtype=np.uint8)
    decoded = cv2.imdecode(np.frombuffer(encode_png(image), np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(decoded, image)
