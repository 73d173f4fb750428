"""Segment one eye: highlights closed, pupil, limbus, then what hides the iris between them."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.errors import CaptureError
from selfsame.iris.geometry import IrisGeometry
from selfsame.iris.limbus import locate_limbus
from selfsame.iris.occlusion import mask_occlusions
from selfsame.iris.pupil import close_highlights, locate_pupil

# Segmentation works on a copy whose shorter side has this many pixels: enough for circles to half a pixel,
# and the same cost for every sensor.
WORKING_SIDE_PX = 240
MIN_SIDE_PX = 60
# OpenCV reads points of pictures up to 32,767 px; eyes are nowhere near.
MAX_WORKING_SIDE_PX = 10 * WORKING_SIDE_PX
# ISO/IEC 29794-6 asks for 80 px; under a fifth of that there is no texture left.
MIN_LIMBUS_RADIUS_PX = 16.0


@dataclass(frozen=True)
class Segmentation:
    """Where the iris is in an image.

    Attributes:
        geometry: the circles in the image's own pixels.
        visible: (h', w') uint8 at working resolution, 255 on visible iris, 0 elsewhere.
        scale: working pixels in one pixel of the image.
    """

    geometry: IrisGeometry
    visible: NDArray[np.uint8]
    scale: float


def segment_iris(image: NDArray[np.uint8]) -> Segmentation:
    """Find the iris in a near-infrared image of one eye.

    Args:
        image: (h, w) uint8.

    Raises:
        CaptureError: `too_small`, `no_pupil` or `no_limbus`.
    """
    side = min(image.shape)
    if side < MIN_SIDE_PX:
        raise CaptureError("too_small", f"expected {MIN_SIDE_PX} px on the shorter side, got {side}")
    scale = WORKING_SIDE_PX / side
    if max(image.shape) * scale > MAX_WORKING_SIDE_PX:
        height, width = image.shape
        raise CaptureError(
            "no_pupil", f"expected the picture of an eye, got a strip of {width} x {height} px"
        )
    working = rescale(image, scale)
    closed = close_highlights(working)
    pupil = locate_pupil(closed)
    limbus = locate_limbus(closed, pupil)
    if limbus.radius / scale < MIN_LIMBUS_RADIUS_PX:
        raise CaptureError(
            "too_small",
            f"expected an iris of {MIN_LIMBUS_RADIUS_PX:.0f} px radius, got {limbus.radius / scale:.1f}",
        )
    geometry = IrisGeometry(pupil, limbus)
    return Segmentation(geometry.scaled(1 / scale), mask_occlusions(working, geometry), scale)


def rescale(image: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """Resize by a factor: area means when shrinking, linear interpolation when enlarging."""
    if scale == 1:
        return image
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(image, None, fx=scale, fy=scale, interpolation=interpolation)
    return np.asarray(resized, dtype=np.uint8)
