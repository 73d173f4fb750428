"""Bringing a print to its fixed size: frame cropped, print centred, contrast evened out."""

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.fingerprint.frame import find_window
from selfsame.fingerprint.segmentation import Segmentation, segment_print
from selfsame.imaging.normalised import Normalised
from selfsame.imaging.resizing import resize

GROUND = 128
"""Grey level of the normalised image where there is no print, and its mean where there is."""

DEVIATION = 48.0
"""Mean absolute deviation of the normalised ridges, in grey levels: a full black and white stripe then
stays inside 0..255 but for its overshoot."""

MIN_DEVIATION = 4.0
"""Grey levels: where ridges are fainter, noise is not blown up to look like them."""

WINDOW_CELL_PX = 4
"""Side of a cell of the local means, in pixels of the result."""

WINDOW_CELLS = (5, 5)
"""Window of the local means, in cells: 20 px, some three to five ridge periods."""


def normalise_fingerprint(image: NDArray[np.uint8], *, height: int, width: int) -> Normalised:
    """Normalise one print.

    The scale depends on the size of the image inside its frame only, never on how much of the finger it
    shows: two impressions of one sensor keep the same ridge period. The print's bounding box is centred.

    Args:
        image: (h, w) uint8, dark ridges on a lighter ground.
        height: rows of the result.
        width: columns of the result.

    Returns:
        The image with its local mean at 128 and its local contrast evened out (Hong, Wan and Jain,
        Fingerprint image enhancement: algorithm and performance evaluation, 1998, with the mean absolute
        deviation in the place of the variance), the mask of the print, and the measures `foreground_share`
        (0..1), `centre_x`, `centre_y` (px of the given image) and `ridge_coherence` (0..1).

    Raises:
        CaptureError: `too_small`, `no_print`, `low_contrast` or `no_ridges`.
    """
    rows, columns = find_window(image)
    inner = np.ascontiguousarray(image[rows, columns])
    found = segment_print(inner)
    left, top, broad, tall = cv2.boundingRect(found.cells)
    centre_x = (left + broad / 2) * found.cell_width_px
    centre_y = (top + tall / 2) * found.cell_height_px
    placed, seen = _place(inner, found, (centre_x, centre_y), height, width)
    measures = {
        "centre_x": centre_x + columns.start,
        "centre_y": centre_y + rows.start,
        "foreground_share": found.foreground_share,
        "ridge_coherence": found.ridge_coherence,
    }
    return Normalised(_even_out(placed, seen), cv2.compare(seen, 127, cv2.CMP_GT), measures)


def _place(
    inner: NDArray[np.uint8], found: Segmentation, centre: tuple[float, float], height: int, width: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Scale the image and its mask so that the whole sensor fits, with the centre in the middle.

    Returns:
        The placed image and the soft mask (0..255), both (height, width) uint8; the mask is 0 where the
        image does not reach.
    """
    rows, columns = inner.shape
    scale = min(height / rows, width / columns)
    left = round(centre[0] - width / scale / 2)
    top = round(centre[1] - height / scale / 2)
    from_x, to_x = max(left, 0), min(left + round(width / scale), columns)
    from_y, to_y = max(top, 0), min(top + round(height / scale), rows)
    x, y = round((from_x - left) * scale), round((from_y - top) * scale)
    broad = min(round((to_x - from_x) * scale), width - x)
    tall = min(round((to_y - from_y) * scale), height - y)
    placed = np.full((height, width), GROUND, np.uint8)
    placed[y : y + tall, x : x + broad] = resize(inner[from_y:to_y, from_x:to_x], tall, broad)
    across, down = found.cell_width_px, found.cell_height_px
    to_cells = np.array(
        [
            [1 / (scale * across), 0, (left + 0.5 / scale) / across - 0.5],
            [0, 1 / (scale * down), (top + 0.5 / scale) / down - 0.5],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen = np.zeros((height, width), np.uint8)
    warped = cv2.warpAffine(found.cells, to_cells, (width, height), flags=flags)
    seen[y : y + tall, x : x + broad] = warped[y : y + tall, x : x + broad]
    return placed, seen


def _even_out(placed: NDArray[np.uint8], seen: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bring the local mean to GROUND and the local deviation to DEVIATION inside the mask.

    The local means are kept at a quarter of the resolution and only count what the mask shows, so that the
    empty ground does not brighten the print's edge.
    """
    height, width = placed.shape
    small = (max(width // WINDOW_CELL_PX, 1), max(height // WINDOW_CELL_PX, 1))
    weight = cv2.resize(seen, small, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    total = cv2.blur(weight, WINDOW_CELLS) + 1e-3
    level = cv2.resize(placed, small, interpolation=cv2.INTER_AREA) * weight
    mean = cv2.blur(level, WINDOW_CELLS) / total
    deviation = cv2.subtract(placed, cv2.resize(mean, (width, height)), dtype=cv2.CV_32F)
    spread = cv2.resize(cv2.absdiff(deviation, 0), small, interpolation=cv2.INTER_AREA) * weight
    spread = cv2.blur(spread, WINDOW_CELLS) / total
    gain = DEVIATION / np.maximum(spread, MIN_DEVIATION) * weight
    evened = cv2.multiply(deviation, cv2.resize(gain, (width, height)))
    return np.asarray(cv2.add(evened, float(GROUND), dtype=cv2.CV_8U), np.uint8)
