"""Bringing a print to its fixed size: frame cropped, print centred, contrast evened out."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.errors import InputError
from selfsame.fingerprint.frame import find_window
from selfsame.fingerprint.ridged_area import segment_ridges
from selfsame.fingerprint.segmentation import Segmentation, require_ridges, segment_print
from selfsame.imaging.normalised import Normalised
from selfsame.imaging.resizing import resize

NORMALISATION_VERSION = 1
"""Raise it when pixels are to change: models trained on other versions then refuse the captures."""

GROUND = 128
"""Grey level of the normalised image where there is no print, and its local mean where there is."""

DEVIATION = 64.0
"""Standard deviation of the normalised ridges in grey levels: sine-shaped ridges then span 128 +- 90."""

MIN_DEVIATION = 4.0
"""Grey levels: where ridges are fainter, noise is not blown up to look like them."""

WINDOW_CELLS = (5, 5)
"""Window of the local mean and deviation, in cells: some three to five ridge periods."""


@dataclass(frozen=True)
class _Slot:
    """The part of an image that is seen, the size that it gets and how far it lies inside the canvas.

    Attributes:
        rows: rows of the image that are seen.
        columns: columns of the image that are seen.
        size: width and height of the part on the canvas, in px.
        borders: empty px above, below, left and right of it.
    """

    rows: slice
    columns: slice
    size: tuple[int, int]
    borders: tuple[int, int, int, int]


def normalise_fingerprint(
    image: NDArray[np.uint8],
    *,
    height: int,
    width: int,
    resolution_dpi: float | None = None,
    target_dpi: float | None = None,
) -> Normalised:
    """Normalise one print.

    The print's centroid comes to the middle. There are two scales:

    - fit to size (`target_dpi` is None): all of the image inside its frame would fit. The scale depends on
      the image's size only, never on how much of the finger it shows: two impressions on one sensor keep the
      same ridge period.
    - physical (`target_dpi` is given): the image is resampled from its own resolution to that of the result,
      never stretched, and what is beyond the canvas is cropped. Prints of all sensors then have the ridge
      period of skin: near 0.46 mm, 9 px at 500 dpi.

    Args:
        image: (h, w) uint8, dark ridges on a lighter ground.
        height: rows of the result.
        width: columns of the result.
        resolution_dpi: px per inch of the image; needed, and read, only where `target_dpi` is given.
        target_dpi: px per inch of the result, or None for a result that fits the size.

    Returns:
        The image with its local mean at 128 and its local deviation evened out (Hong, Wan and Jain,
        Fingerprint image enhancement: algorithm and performance evaluation, 1998), the mask of the print,
        and the measures `foreground_share` (0..1), `centre_x`, `centre_y` (px of the given image) and
        `ridge_coherence` (0..1).

    Raises:
        CaptureError: `too_small`, `no_print`, `low_contrast` or `no_ridges`.
        InputError: a resolution is missing or not positive.
    """
    rows, columns = find_window(image)
    zoom = 1.0 if target_dpi is None else _find_zoom(resolution_dpi, target_dpi)
    inner = _resample(image[rows, columns], zoom)
    found = segment_print(inner) if target_dpi is None else segment_ridges(inner, target_dpi)
    require_ridges(found)
    evened, seen = _even_out(inner, found)
    measures = {
        "centre_x": found.centre[0] / zoom + columns.start,
        "centre_y": found.centre[1] / zoom + rows.start,
        "foreground_share": found.foreground_share,
        "ridge_coherence": found.ridge_coherence,
    }
    slot = _find_slot(seen.shape, found.centre, height, width, fits=target_dpi is None)
    return Normalised(*_put(evened, seen, slot), measures)


def _put(
    evened: NDArray[np.uint8], seen: NDArray[np.uint8], slot: _Slot
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Put the part of the image and of the mask that the slot names on the canvas."""
    evened, seen = evened[slot.rows, slot.columns], seen[slot.rows, slot.columns]
    if slot.size != seen.shape[::-1]:
        evened = resize(evened, slot.size[1], slot.size[0])
        seen = np.asarray(cv2.resize(seen, slot.size, interpolation=cv2.INTER_NEAREST), np.uint8)
    placed = cv2.copyMakeBorder(evened, *slot.borders, cv2.BORDER_CONSTANT, value=GROUND)
    mask = cv2.copyMakeBorder(seen, *slot.borders, cv2.BORDER_CONSTANT, value=0)
    return np.asarray(placed, np.uint8), np.asarray(mask, np.uint8)


def _find_zoom(resolution_dpi: float | None, target_dpi: float) -> float:
    """Divide the resolutions: px of the result per px of the image."""
    for name, dpi in (("resolution_dpi", resolution_dpi), ("target_dpi", target_dpi)):
        if dpi is None or not 0 < dpi < math.inf:
            raise InputError(f"expected {name} over 0 px per inch, got {dpi}: give the sensor's resolution")
    return target_dpi / (resolution_dpi or target_dpi)


def _resample(image: NDArray[np.uint8], zoom: float) -> NDArray[np.uint8]:
    """Scale both sides alike; where that leaves the size as it is, the image is returned untouched."""
    height, width = (max(1, round(side * zoom)) for side in image.shape)
    return image if (height, width) == image.shape else resize(image, height, width)


def _even_out(image: NDArray[np.uint8], found: Segmentation) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Bring the local mean to GROUND and the local deviation to DEVIATION inside the print.

    Means over cells, which count the cells of the print only, so that the empty ground does not brighten the
    print's edge; the gain and the offset that follow are interpolated between the cells. The maps of cells
    lie one under the other in one array, because one call on all of them costs little more than on one; the
    line of cells around each keeps the windows apart.

    Returns:
        The image and the mask of the print (0 or 255), both as large as the whole cells.
    """
    rows, columns = found.cells.shape
    tall, broad = rows * found.cell_px, columns * found.cell_px
    levels = image[:tall, :broad].astype(np.float32)
    squared = cv2.resize(cv2.multiply(levels, levels), (columns, rows), interpolation=cv2.INTER_AREA)
    maps = np.zeros((3, rows + 2, columns), np.float32)
    maps[0, 1:-1], maps[1, 1:-1], maps[2, 1:-1] = found.cells, found.means, squared
    weight = maps[0]
    maps[1] *= weight
    maps[2] *= weight
    sums = cv2.blur(maps.reshape(-1, columns), WINDOW_CELLS, borderType=cv2.BORDER_CONSTANT)
    sums = sums.reshape(maps.shape)
    total = sums[0] + np.float32(0.1)
    mean = sums[1] / total
    variance = sums[2] / total - mean * mean
    deviation = np.sqrt(np.maximum(variance, np.float32(MIN_DEVIATION**2)))
    gain = np.divide(weight * np.float32(DEVIATION / 255), deviation, out=maps[0])
    np.subtract(np.float32(GROUND), gain * mean, out=maps[1])
    maps[:, 0], maps[:, -1] = maps[:, 1], maps[:, -2]
    smooth = cv2.resize(maps[:2].reshape(-1, columns), (broad, 2 * (tall + 2 * found.cell_px)))
    smooth = smooth.reshape(2, -1, broad)[:, found.cell_px : -found.cell_px]
    levels *= smooth[0]
    evened = np.asarray(cv2.add(levels, smooth[1], dtype=cv2.CV_8U), np.uint8)
    return evened, found.cells.repeat(found.cell_px, 1).repeat(found.cell_px, 0)


def _find_slot(
    shape: tuple[int, int], centre: tuple[float, float], height: int, width: int, *, fits: bool
) -> _Slot:
    """Put `centre` (x, y) in the middle; where the image `fits`, at the scale at which all of it does."""
    scale = min(height / shape[0], width / shape[1]) if fits else 1.0
    rows, above, tall = _place(shape[0], centre[1], height, scale)
    columns, before, broad = _place(shape[1], centre[0], width, scale)
    borders = (above, height - above - tall, before, width - before - broad)
    return _Slot(rows, columns, (broad, tall), borders)


def _place(side: int, centre: float, room: int, scale: float) -> tuple[slice, int, int]:
    """Place one side of an image: the px that are seen, the empty room before them and their size there."""
    first = round(centre - room / scale / 2)
    last = min(first + round(room / scale), side)
    before = round(max(-first, 0) * scale)
    first = max(first, 0)
    return slice(first, last), before, min(round((last - first) * scale), room - before)
