"""Find what hides the iris: lids, lashes and highlights.

Lids: the arcuate form of Daugman's operator ("How iris recognition works", 2004): of all parabolas across the
limbus, the one along which the grey rises most, away from the eye's centre. Lashes and highlights: pixels far
darker or brighter than the iris, by level and by local contrast (Kong and Zhang, "Accurate iris segmentation
based on novel reflection and eyelash detection model", 2001).
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.iris.geometry import Circle, IrisGeometry
from selfsame.iris.rays import Points, as_row

Floats = NDArray[np.float32]

# Where lids are looked for: columns over the eye, rows outwards, in shares of the limbus's radius.
COLUMNS, REACH = 25, 0.95
OUTWARDS_STEP = 0.03
OUTWARDS = np.arange(-0.6, 1.4, OUTWARDS_STEP)
# Columns are smoothed together by this filter; so many more on either side keep the lids apart.
ACROSS = np.array([1, 4, 6, 4, 1], np.float32) / 16
MARGIN = 2
# Along a column, the rise: the mean of three points ahead minus that of three behind.
ALONG = np.array([-1, -1, -1, 0, 1, 1, 1], np.float32) / 3
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
    top, left = max(int(limbus.y - limbus.radius) - 2, 0), max(int(limbus.x - limbus.radius) - 2, 0)
    area = slice(top, int(limbus.y + limbus.radius) + 4), slice(left, int(limbus.x + limbus.radius) + 4)
    window = image[area]
    y = np.arange(top, top + window.shape[0], dtype=np.float32)[:, None]
    x = np.arange(left, left + window.shape[1], dtype=np.float32)
    from_pupil = (x - np.float32(pupil.x)) ** 2 + (y - np.float32(pupil.y)) ** 2
    from_limbus = (x - np.float32(limbus.x)) ** 2 + (y - np.float32(limbus.y)) ** 2
    in_pupil = from_pupil < pupil.radius**2
    upper, lower = fit_lids(image, geometry)
    visible = (from_limbus <= limbus.radius**2) & ~in_pupil
    visible &= (y > _lid_height(x, limbus, upper, -1)) & (y < _lid_height(x, limbus, lower, 1))
    undisturbed = visible & (from_limbus <= (0.9 * limbus.radius) ** 2)
    undisturbed &= from_pupil >= (pupil.radius + 0.1 * limbus.radius) ** 2
    undisturbed &= y > pupil.y
    mask = np.zeros(image.shape, np.uint8)
    mask[area] = _leave_outliers(window, visible.view(np.uint8), in_pupil, undisturbed)
    return mask


def fit_lids(
    image: NDArray[np.uint8], geometry: IrisGeometry
) -> tuple[tuple[float, float, float] | None, tuple[float, float, float] | None]:
    """Return the upper and the lower lid, each as (apex, slope, bow) shares of the limbus's radius, or None.

    A lid is the parabola y = centre ∓ apex·R + slope·dx ± bow·dx²/R. Of all, the one with the largest total
    rise across it inside the limbus is taken, if that is large enough.
    """
    tables = _lay_lids()
    levels = tables.points.read(image, as_row(geometry.limbus))
    rise = cv2.sepFilter2D(levels, cv2.CV_32F, ALONG, ACROSS, borderType=cv2.BORDER_REPLICATE)
    rise = np.asarray(rise).reshape(2, COLUMNS + 2 * MARGIN, -1)[:, MARGIN:-MARGIN]
    steepest = np.sort(rise.max(axis=2))[:, COLUMNS // 2]
    scale = np.maximum(steepest, np.float32(4)) * np.float32(LID_SHARE)
    gain = rise / scale[:, None, None] - np.float32(1)
    np.clip(gain, -1, 2, out=gain)
    pupil, limbus = geometry.pupil, geometry.limbus
    share_x, share_y = (pupil.x - limbus.x) / limbus.radius, (pupil.y - limbus.y) / limbus.radius
    from_pupil = (tables.x - np.float32(share_x)) ** 2 + (tables.y - np.float32(share_y)) ** 2
    gain *= tables.inside & (from_pupil >= (1.25 * pupil.radius / limbus.radius) ** 2)
    upper, lower = (_choose(gain[i], tables.lids[i], tables.places[i]) for i in range(2))
    return upper, lower


def _choose(gain: Floats, lids: Floats, places: NDArray[np.intp]) -> tuple[float, float, float] | None:
    """Return the lid with the largest total gain, if it is one."""
    crossed = gain.ravel().take(places)
    total = np.add.reduce(crossed)
    best = int(total.argmax())
    if total[best] < MIN_LID_GAIN * max(int(np.count_nonzero(crossed[:, best])), 6):
        return None
    apex, slope, bow = lids[best].tolist()
    return apex, slope, bow


def _lid_height(
    x: Floats, limbus: Circle, lid: tuple[float, float, float] | None, side: int
) -> Floats | float:
    """Return the lid's y at each x; side is -1 for the upper and 1 for the lower lid."""
    if lid is None:
        return limbus.y + side * 2 * limbus.radius
    apex, slope, bow = lid
    share = (x - np.float32(limbus.x)) / np.float32(limbus.radius)
    return np.asarray(limbus.y + limbus.radius * (side * apex + share * (slope - side * bow * share)))


@dataclass(frozen=True, eq=False)
class _LidTables:
    """What lids are looked for by, in shares of the limbus's radius; first the upper, then the lower.

    Attributes:
        points: where the picture is read: a row a column of the eye, from the limbus's centre outwards.
        x: (columns, 1) of the columns.
        y: (2, 1, outwards).
        inside: (2, columns, outwards) which points lie inside the limbus.
        lids: (n, 3) apex, slope and bow, of each side.
        places: (columns, n) where each lid crosses each column, of each side, in the flat gain. Where it does
            not, that is a place outside the limbus, which has no gain.
    """

    points: Points
    x: Floats
    y: Floats
    inside: NDArray[np.bool_]
    lids: tuple[Floats, Floats]
    places: tuple[NDArray[np.intp], NDArray[np.intp]]


@cache
def _lay_lids() -> _LidTables:
    """Make the tables."""
    column = np.linspace(-REACH, REACH, COLUMNS).astype(np.float32)
    wide = np.pad(column, MARGIN, mode="edge")
    y = np.stack([-OUTWARDS, OUTWARDS]).astype(np.float32)[:, None]
    shape = (2, wide.size, OUTWARDS.size)
    points = Points(*(np.broadcast_to(a, shape).reshape(-1, shape[2]) for a in (wide[:, None], y)))
    inside = column[:, None] ** 2 + y**2 < 0.97**2
    upper, lower = _parabolas(-1, column), _parabolas(1, column)
    return _LidTables(points, column[:, None], y, inside, (upper[0], lower[0]), (upper[1], lower[1]))


def _parabolas(side: int, column: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Return all lids of a side, (n, 3), and the place of each in each column, (columns, n)."""
    lids = np.stack(np.meshgrid(APEX_SHARES[side], SLOPES, BOWS, indexing="ij"), axis=-1).reshape(-1, 3)
    height = lids[:, 0] + side * lids[:, 1] * column[:, None] - lids[:, 2] * column[:, None] ** 2
    row = np.rint((height - OUTWARDS[0]) / OUTWARDS_STEP).astype(np.intp)
    # The last point of each column lies outside the limbus.
    row[(row < 0) | (row >= OUTWARDS.size)] = OUTWARDS.size - 1
    return lids.astype(np.float32), row + np.arange(column.size)[:, None] * OUTWARDS.size


def _leave_outliers(
    window: NDArray[np.uint8],
    visible: NDArray[np.uint8],
    in_pupil: NDArray[np.bool_],
    undisturbed: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """Return what is visible, 0 or 255, without highlights and the dark pixels joined to the outside.

    They go with a pixel more on every side. A lash is almost as dark as the pupil, or darker than its own
    surround as texture never is. A dark spot in the middle of the iris is a crypt, which is texture; a lash
    comes in from the lid.
    """
    levels, black = _sort(window[undisturbed]), _sort(window[in_pupil])
    if not levels.size or not black.size:
        return visible * np.uint8(255)
    low, middle, high = (float(levels[share * levels.size // 4]) for share in (1, 2, 3))
    hollow = cv2.morphologyEx(window, cv2.MORPH_BLACKHAT, np.ones((LASH_WIDTH_PX, LASH_WIDTH_PX), np.uint8))
    hollows = _sort(np.asarray(hollow, np.uint8)[undisturbed])
    deep = max(float(hollows[49 * hollows.size // 50]), LASH_LEVELS)
    darkest = float(black[black.size // 2])
    dark = (window < darkest + LASH_SHARE * (middle - darkest)) | (hollow > deep)
    dark &= visible.view(bool)
    deviation = (high - low) / 1.349
    bright = window > middle + max(HIGHLIGHT_DEVIATIONS * deviation, HIGHLIGHT_LEVELS)
    bright &= visible.view(bool)
    unseen = ~(visible.view(bool) | in_pupil)
    _, labels = cv2.connectedComponents((dark | unseen).view(np.uint8), connectivity=8)
    outliers = dark & (labels == labels[0, 0])
    outliers |= bright
    hidden = cv2.dilate(outliers.view(np.uint8), np.ones((3, 3), np.uint8))
    return np.asarray(visible > hidden) * np.uint8(255)


def _sort(levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Sort by counting, which NumPy does with small whole numbers where the order of equals is asked for."""
    return np.sort(levels, kind="stable")
