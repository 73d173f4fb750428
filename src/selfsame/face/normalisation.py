"""Normalisation of a face: from a cropped capture to a picture of fixed size and full mask.

The capture is expected to show one face that fills it, as cameras that guide people and published sets of
faces give it: nothing is detected, aligned or evened out. On the AT&T faces a linear classifier of the plain
grey levels beats the same one after the local mean is taken off, after CLAHE and after each picture's mean
and deviation are set (benchmarks/faces.py --normalisations repeats this).
"""

import numpy as np
from numpy.typing import NDArray

from selfsame.errors import CaptureError
from selfsame.imaging.normalised import Normalised
from selfsame.imaging.resizing import resize

NORMALISATION_VERSION = 1
"""Raise it when pixels are to change: models trained on other versions then refuse the captures."""

SMALLEST_SIDE_PX = 16
"""Fewer pixels across hold no features of a face: eyes are then 2 px wide."""

SMALLEST_DEVIATION = 2.0
"""Grey levels; a capture that varies less is a covered lens or an empty file, whatever its brightness."""

WHITE = 255


def normalise_face(image: NDArray[np.uint8], *, height: int, width: int) -> Normalised:
    """Bring a cropped face to a fixed size, its aspect kept.

    The largest centred rectangle of the target's aspect is cut out and resized, so that a face is never
    stretched; what is cut off lies at two opposite edges.

    Args:
        image: (h, w) uint8 grey levels, upright, one face.
        height: rows of the result.
        width: columns of the result.

    Returns:
        The face with a full mask. Measures: `brightness` and `contrast` (mean and deviation of the result in
        grey levels) and `kept_share` (0..1, of the capture's pixels that the crop kept).

    Raises:
        CaptureError: `too_small`, or `blank` where hardly anything varies.
    """
    if min(image.shape) < SMALLEST_SIDE_PX:
        raise CaptureError(
            "too_small",
            f"expected a face of {SMALLEST_SIDE_PX} px or more a side, got {image.shape[1]}x{image.shape[0]}",
        )
    rows, columns = _fit_aspect(image.shape[0], image.shape[1], height / width)
    top, left = (image.shape[0] - rows) // 2, (image.shape[1] - columns) // 2
    face = resize(np.ascontiguousarray(image[top : top + rows, left : left + columns]), height, width)
    deviation = float(face.std())
    if deviation < SMALLEST_DEVIATION:
        raise CaptureError(
            "blank",
            f"expected a face, got a picture whose grey levels deviate by {deviation:.1f} of {WHITE}",
        )
    return Normalised(
        image=face,
        mask=np.full((height, width), WHITE, np.uint8),
        measures={
            "brightness": float(face.mean()),
            "contrast": deviation,
            "kept_share": rows * columns / image.size,
        },
    )


def _fit_aspect(height: int, width: int, aspect: float) -> tuple[int, int]:
    """Find the largest (rows, columns) within an image whose ratio is `aspect`, to the nearest pixel."""
    if height / width > aspect:
        return max(1, round(width * aspect)), width
    return height, max(1, round(height / aspect))
