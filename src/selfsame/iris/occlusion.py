"""Find what hides the iris: lids, lashes and highlights.

Lids: the arcuate form of Daugman's operator ("How iris recognition works", 2004): of all parabolas across the
limbus, the one along which the grey rises most, away from the eye's centre. Lashes and highlights: pixels far
darker or brighter than the iris, by level and by local contrast (Kong and Zhang, "Accurate iris segmentation
based on novel reflection and eyelash detection model", 2001).
"""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.iris.geometry import Circle, IrisGeometry
from selfsame.iris.rays import sample

# Where lids are looked for: columns over the eye, rows outwards, in shares of the limbus's radius.
COLUMNS, REACH = 33, 0.95
OUTWARDS_STEP = 0.03
OUTWARDS = np.arange(-0.6, 1.4, OUTWARDS_STEP)
# Apexes of the upper (-1) and lower lid beyond the limbus's centre, slopes and bows, in shares of the radius.
APEX_SHARES = {-1: np.linspace(0.0, 1.0, 33), 1: np.linspace(0.5, 1.0, 17)}
SLOPES = np.linspace(-0.45, 0.45, 7)
BOWS = np.array([0.0, 0.25, 0.5])
# A lid's edge is counted from this share of the median steepest rise, and in full at three times it.
LID_SHARE = 0.25
# Mean gain of a lid over the columns that it crosses, between -1 and 2: texture of the iris stays near 0.
MIN_LID_GAIN = 1.0
# Lashes: their share of the way from the pupil's grey to the iris's, or how many levels they are darker than
# their surround of so many pixels.
LASH_SHARE, LASH_LEVELS, LASH_WIDTH_PX = 0.45, 8.0, 9
# Highlights: robust standard deviations above the iris's own grey, and grey levels at least.
HIGHLIGHT_DEVIATIONS, HIGHLIGHT_LEVELS = 4.0, 25.0


def mask_occlusions(image: NDArray[np.uint8], geometry: IrisGeometry) -> NDArray[np.uint8]:
    """Mark the pixels where the iris is seen.

    Args:
        image: (h, w) uint8.
        geometry: the iris's circles in the image's pixels.

    Returns:
        (h, w) uint8: 255 on visible iris, 0 elsewhere.
    """
    pupil, limbus = geometry.pupil, geometry.limbus
    height, width = image.shape
    top, left = max(int(limbus.y - limbus.radius) - 2, 0), max(int(limbus.x - limbus.radius) - 2, 0)
    window = image[top : int(limbus.y + limbus.radius) + 4, left : int(limbus.x + limbus.radius) + 4]
    y = np.arange(top, top + window.shape[0], dtype=np.float64)[:, None]
    x = np.arange(left, left + window.shape[1], dtype=np.float64)
    in_pupil = (x - pupil.x) ** 2 + (y - pupil.y) ** 2 < pupil.radius**2
    annulus = ((x - limbus.x) ** 2 + (y - limbus.y) ** 2 <= limbus.radius**2) & ~in_pupil
    upper, lower = fit_lids(image, geometry)
    between = (y > _lid_height(x, limbus, upper, -1)) & (y < _lid_height(x, limbus, lower, 1))
    visible = annulus & between
    middle = (x - limbus.x) ** 2 + (y - limbus.y) ** 2 <= (0.9 * limbus.radius) ** 2
    middle &= (x - pupil.x) ** 2 + (y - pupil.y) ** 2 >= (pupil.radius + 0.1 * limbus.radius) ** 2
    visible &= ~_outliers(window, visible, in_pupil, middle & (y > pupil.y))
    mask = np.zeros((height, width), np.uint8)
    mask[top : top + window.shape[0], left : left + window.shape[1]] = visible * np.uint8(255)
    return mask


def fit_lids(
    image: NDArray[np.uint8], geometry: IrisGeometry
) -> tuple[tuple[float, float, float] | None, tuple[float, float, float] | None]:
    """Return the upper and the lower lid, each as (apex, slope, bow) shares of the limbus's radius, or None.

    A lid is the parabola y = centre ∓ apex·R + slope·dx ± bow·dx²/R.
    """
    return _fit_lid(image, geometry, -1), _fit_lid(image, geometry, 1)


def _lid_height(
    x: NDArray[np.float64], limbus: Circle, lid: tuple[float, float, float] | None, side: int
) -> NDArray[np.float64]:
    """Return the lid's y at each x; side is -1 for the upper and 1 for the lower lid."""
    if lid is None:
        return np.full(x.shape, limbus.y + side * 2 * limbus.radius)
    apex, slope, bow = lid
    share = (x - limbus.x) / limbus.radius
    return np.asarray(limbus.y + limbus.radius * (side * apex + slope * share - side * bow * share**2))


def _fit_lid(
    image: NDArray[np.uint8], geometry: IrisGeometry, side: int
) -> tuple[float, float, float] | None:
    """Search the parabola with the largest total rise across it inside the limbus, if there is any."""
    limbus, pupil = geometry.limbus, geometry.pupil
    column = np.linspace(-REACH, REACH, COLUMNS)
    # One row a column of the eye: grey levels from the limbus's centre outwards.
    x = limbus.x + limbus.radius * np.broadcast_to(column[:, None], (COLUMNS, OUTWARDS.size))
    y = limbus.y + side * limbus.radius * np.broadcast_to(OUTWARDS, x.shape)
    levels = cv2.GaussianBlur(sample(image, x, y), (1, 5), 0)
    kernel = np.array([[-1, -1, -1, 0, 1, 1, 1]], np.float32) / 3
    rise = cv2.filter2D(levels, cv2.CV_32F, kernel, borderType=cv2.BORDER_REPLICATE)
    steepest = float(np.median(np.asarray(rise).max(axis=1)))
    scale = LID_SHARE * max(steepest, 4.0)
    gain = np.clip(np.asarray(rise) / scale - 1, -1, 2)
    seen = (x - limbus.x) ** 2 + (y - limbus.y) ** 2 < (0.97 * limbus.radius) ** 2
    gain[~seen | ((x - pupil.x) ** 2 + (y - pupil.y) ** 2 < (1.25 * pupil.radius) ** 2)] = 0
    lids, index, inside = _parabolas(side)
    crossed = gain[np.arange(COLUMNS), index] * inside
    total = crossed.sum(axis=1)
    best = int(total.argmax())
    if total[best] < MIN_LID_GAIN * max(int(np.count_nonzero(crossed[best])), 6):
        return None
    apex, slope, bow = (float(share) for share in lids[best])
    return apex, slope, bow


@cache
def _parabolas(side: int) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.bool_]]:
    """Return all lids, (n, 3) apex, slope and bow, the row of each in each column, and if it is one."""
    lids = np.stack(np.meshgrid(APEX_SHARES[side], SLOPES, BOWS, indexing="ij"), axis=-1).reshape(-1, 3)
    column = np.linspace(-REACH, REACH, COLUMNS)
    height = lids[:, :1] + side * lids[:, 1:2] * column - lids[:, 2:] * column**2
    index = np.rint((height - OUTWARDS[0]) / OUTWARDS_STEP).astype(np.int32)
    inside = (index >= 0) & (index < OUTWARDS.size)
    return lids, np.clip(index, 0, OUTWARDS.size - 1), inside


def _outliers(
    window: NDArray[np.uint8],
    visible: NDArray[np.bool_],
    in_pupil: NDArray[np.bool_],
    undisturbed: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Return the highlights and the dark pixels joined to the outside, a pixel more on every side.

    A lash is almost as dark as the pupil, or darker than its own surround as texture never is. A dark spot in
    the middle of the iris is a crypt, which is texture; a lash comes in from the lid.
    """
    if not (visible & undisturbed).any() or not in_pupil.any():
        return np.zeros(window.shape, bool)
    levels = np.quantile(window[visible & undisturbed], (0.25, 0.5, 0.75))
    low, middle, high = (float(level) for level in levels)
    black = float(np.median(window[in_pupil]))
    hollow = cv2.morphologyEx(window, cv2.MORPH_BLACKHAT, np.ones((LASH_WIDTH_PX, LASH_WIDTH_PX), np.uint8))
    deep = max(float(np.quantile(hollow[visible & undisturbed], 0.98)), LASH_LEVELS)
    dark = visible & ((window < black + LASH_SHARE * (middle - black)) | (hollow > deep))
    deviation = (high - low) / 1.349
    bright = visible & (window > middle + max(HIGHLIGHT_DEVIATIONS * deviation, HIGHLIGHT_LEVELS))
    _, labels = cv2.connectedComponents((dark | ~(visible | in_pupil)).astype(np.uint8), connectivity=8)
    lash = dark & (labels == labels[0, 0])
    return cv2.dilate((lash | bright).astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
