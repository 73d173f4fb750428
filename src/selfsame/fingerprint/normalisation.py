"""Bringing a print to its fixed size: frame cropped, print centred, contrast evened out."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.fingerprint.frame import find_window
from selfsame.fingerprint.segmentation import Segmentation, require_ridges, segment_print
from selfsame.imaging.normalised import Normalised
from selfsame.imaging.resizing import resize

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
    """The part of an image that is seen, and the part of the canvas (tall x broad) that it fills."""

    source: tuple[slice, slice]
    target: tuple[slice, slice]
    tall: int
    broad: int


def normalise_fingerprint(image: NDArray[np.uint8], *, height: int, width: int) -> Normalised:
    """Normalise one print.

    The scale depends on the size of the image inside its frame only, never on how much of the finger it
    shows: two impressions on one sensor keep the same ridge period. The print's centroid comes to the
    middle.

    Args:
        image: (h, w) uint8, dark ridges on a lighter ground.
        height: rows of the result.
        width: columns of the result.

    Returns:
        The image with its local mean at 128 and its local deviation evened out (Hong, Wan and Jain,
        Fingerprint image enhancement: algorithm and performance evaluation, 1998), the mask of the print,
        and the measures `foreground_share` (0..1), `centre_x`, `centre_y` (px of the given image) and
        `ridge_coherence` (0..1).

    Raises:
        CaptureError: `too_small`, `no_print`, `low_contrast` or `no_ridges`.
    """
    rows, columns = find_window(image)
    inner = image[rows, columns]
    found = segment_print(inner)
    require_ridges(found)
    tall, broad = (count * found.cell_px for count in found.cells.shape)
    evened = _even_out(inner[:tall, :broad], found)
    seen = cv2.threshold(cv2.resize(found.cells, (broad, tall)), 127, 255, cv2.THRESH_BINARY)[1]
    measures = {
        "centre_x": found.centre[0] + columns.start,
        "centre_y": found.centre[1] + rows.start,
        "foreground_share": found.foreground_share,
        "ridge_coherence": found.ridge_coherence,
    }
    slot = _find_slot((tall, broad), found.centre, height, width)
    placed = np.full((height, width), GROUND, np.uint8)
    placed[slot.target] = resize(evened[slot.source], slot.tall, slot.broad)
    mask = np.zeros((height, width), np.uint8)
    mask[slot.target] = cv2.resize(
        seen[slot.source], (slot.broad, slot.tall), interpolation=cv2.INTER_NEAREST
    )
    return Normalised(placed, mask, measures)


def _even_out(whole: NDArray[np.uint8], found: Segmentation) -> NDArray[np.uint8]:
    """Bring the local mean to GROUND and the local deviation to DEVIATION inside the print.

    Means over cells, which count the cells of the print only, so that the empty ground does not brighten the
    print's edge; the gain and the offset that follow are interpolated between the cells.
    """
    rows, columns = found.cells.shape
    size = (whole.shape[1], whole.shape[0])
    levels = whole.astype(np.float32)
    squares = cv2.resize(cv2.multiply(levels, levels), (columns, rows), interpolation=cv2.INTER_AREA)
    weight = found.cells.astype(np.float32) * np.float32(1 / 255)
    total = cv2.blur(weight, WINDOW_CELLS) + np.float32(1e-3)
    mean = cv2.blur(weight * found.means, WINDOW_CELLS) / total
    variance = cv2.blur(weight * squares, WINDOW_CELLS) / total - mean * mean
    deviation = np.sqrt(np.maximum(variance, np.float32(MIN_DEVIATION**2)))
    gain = np.float32(DEVIATION) * weight / deviation
    offset = GROUND - gain * mean
    evened = cv2.multiply(levels, cv2.resize(gain, size))
    return np.asarray(cv2.add(evened, cv2.resize(offset, size), dtype=cv2.CV_8U), np.uint8)


def _find_slot(shape: tuple[int, int], centre: tuple[float, float], height: int, width: int) -> _Slot:
    """Scale an image so that all of it would fit, and put `centre` (x, y) in the middle."""
    rows, columns = shape
    scale = min(height / rows, width / columns)
    left, top = round(centre[0] - width / scale / 2), round(centre[1] - height / scale / 2)
    right, bottom = min(left + round(width / scale), columns), min(top + round(height / scale), rows)
    x, y = round(max(-left, 0) * scale), round(max(-top, 0) * scale)
    left, top = max(left, 0), max(top, 0)
    broad, tall = (
        min(round((right - left) * scale), width - x),
        min(round((bottom - top) * scale), height - y),
    )
    source = (slice(top, bottom), slice(left, right))
    return _Slot(source, (slice(y, y + tall), slice(x, x + broad)), tall, broad)
