"""How good a raw print is: how much of the sensor it covers and how clear its ridges run."""

import numpy as np
from numpy.typing import NDArray

from selfsame.errors import CaptureError
from selfsame.fingerprint.frame import find_window
from selfsame.fingerprint.segmentation import segment_print


def measure_ridges(image: NDArray[np.uint8]) -> dict[str, float]:
    """Measure the quality of a print; both measures are 0 where there is none.

    Args:
        image: (height, width) uint8, as the sensor gave it.

    Returns:
        `foreground_share` of the area inside the sensor's frame, 0..1, and `ridge_coherence`, 0 (noise) to 1
        (parallel ridges): the same figures that the normalisation gives.
    """
    try:
        found = segment_print(image[find_window(image)])
    except CaptureError:
        return {"foreground_share": 0.0, "ridge_coherence": 0.0}
    return {"foreground_share": found.foreground_share, "ridge_coherence": found.ridge_coherence}
