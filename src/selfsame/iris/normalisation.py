"""Unwrap an iris to a strip of fixed size: Daugman's rubber sheet.

"High confidence visual recognition of persons by a test of statistical independence", 1993: a point of the
iris is named by its angle and by how far it lies between pupil and limbus, so that dilation and distance drop
out. Rotation of the head becomes a shift of columns.
"""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.errors import CaptureError
from selfsame.imaging.normalised import Normalised
from selfsame.iris.geometry import IrisGeometry
from selfsame.iris.segmentation import rescale, segment_iris

Sheet = tuple[NDArray[np.float32], NDArray[np.float32]]

NORMALISATION_VERSION = 1
"""Raise it when pixels are to change: models trained on other versions then refuse the captures."""

# From so many pixels of the image in one of the strip on, the image is reduced first.
MAX_DETAIL = 1.5
# Eyes that are nearly closed are refused: what is left between the lids is too little to compare.
MIN_VISIBLE_SHARE = 0.35


def normalise_iris(image: NDArray[np.uint8], *, height: int, width: int) -> Normalised:
    """Find the iris in an image of one eye and unwrap it.

    Row 0 lies at the pupil, the last row at the limbus. Column 0 lies at 3 o'clock; columns go on clockwise
    as seen in the image, once round.

    Args:
        image: (h, w) uint8, near infrared.
        height: rows of the strip.
        width: columns of the strip.

    Returns:
        The strip, its mask (255 where iris is seen, neither lid nor lash nor highlight) and the measures
        pupil_x, pupil_y, pupil_radius, limbus_x, limbus_y, limbus_radius (px of the image), visible_share (of
        the strip) and dilation (pupil radius over limbus radius).

    Raises:
        CaptureError: `too_small`, `no_pupil`, `no_limbus`, or `occluded` where too little iris is seen.
    """
    found = segment_iris(image)
    geometry, working = found.geometry, found.geometry.scaled(found.scale)
    reduced, place = reduce_detail(image, geometry, height, width)
    sheet = rubber_sheet(place, height, width)
    strip = unwrap(reduced, sheet)
    mask = unwrap_mask(found.visible, sheet if place == working else rubber_sheet(working, height, width))
    visible_share = cv2.countNonZero(mask) / mask.size
    if visible_share < MIN_VISIBLE_SHARE:
        raise CaptureError(
            "occluded",
            f"expected {MIN_VISIBLE_SHARE:.0%} of the iris in sight, got {visible_share:.0%}: open the eye",
        )
    return Normalised(strip, mask, _measure(geometry, visible_share))


def rubber_sheet(geometry: IrisGeometry, height: int, width: int) -> Sheet:
    """Return where each pixel of the strip lies in the image: x and y, (height, width) float32 each.

    (x, y)(ρ, θ) = (1 - ρ) · pupil(θ) + ρ · limbus(θ), ρ at the middle of each row.
    """
    shares, along_x, along_y = _lay_sheet(height, width)
    rows = [[one.x, one.y, one.radius] for one in (geometry.pupil, geometry.limbus)]
    circles = np.array(rows, dtype=np.float32)
    return shares @ (circles @ along_x), shares @ (circles @ along_y)


@cache
def _lay_sheet(
    height: int, width: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return what a sheet is made of.

    Returns:
        The shares of pupil and limbus in each row, (height, 2), and the shares of a circle's x, y and radius
        in the x and in the y of each of its points, (3, width) each.
    """
    angle_rad = np.arange(width) * (2 * np.pi / width)
    outwards = (np.arange(height) + 0.5) / height
    one, none = np.ones(width), np.zeros(width)
    tables = (
        np.stack([1 - outwards, outwards], axis=1),
        np.stack([one, none, np.cos(angle_rad)]),
        np.stack([none, one, np.sin(angle_rad)]),
    )
    shares, along_x, along_y = (table.astype(np.float32) for table in tables)
    return shares, along_x, along_y


def reduce_detail(
    image: NDArray[np.uint8], geometry: IrisGeometry, height: int, width: int
) -> tuple[NDArray[np.uint8], IrisGeometry]:
    """Reduce an image with more detail than the strip can hold, so that fine texture does not alias.

    Returns:
        The image and where the iris is in it.
    """
    radius = geometry.limbus.radius
    detail = min(2 * np.pi * radius / width, (radius - geometry.pupil.radius) / height)
    if detail < MAX_DETAIL:
        return image, geometry
    return rescale(image, 1 / detail), geometry.scaled(1 / detail)


def unwrap(image: NDArray[np.uint8], sheet: Sheet) -> NDArray[np.uint8]:
    """Sample the annulus between the circles bilinearly into a strip of the sheet's size."""
    strip = cv2.remap(image, *sheet, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(strip, dtype=np.uint8)


def unwrap_mask(visible: NDArray[np.uint8], sheet: Sheet) -> NDArray[np.uint8]:
    """Sample a mask into a strip of 0 and 255; what lies outside the image is not seen."""
    seen = cv2.remap(visible, *sheet, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(cv2.threshold(seen, 127, 255, cv2.THRESH_BINARY)[1], np.uint8)


def _measure(geometry: IrisGeometry, visible_share: float) -> dict[str, float]:
    """Return the measures by name."""
    return {
        "pupil_x": geometry.pupil.x,
        "pupil_y": geometry.pupil.y,
        "pupil_radius": geometry.pupil.radius,
        "limbus_x": geometry.limbus.x,
        "limbus_y": geometry.limbus.y,
        "limbus_radius": geometry.limbus.radius,
        "visible_share": visible_share,
        "dilation": geometry.dilation,
    }
