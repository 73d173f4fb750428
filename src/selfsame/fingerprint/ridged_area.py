"""Telling the ridged area from the empty sensor by how much the grey levels vary, however faint the ink."""

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.errors import CaptureError
from selfsame.fingerprint.segmentation import CELL_PX, MIN_PRINT_SHARE, Segmentation, measure_coherence

CELL_INCH = 0.024
"""Side of a cell: 12 px at 500 dpi, 1.3 ridge periods."""

DEVIATION_SHARE = 0.25
"""A cell is print where the deviation around it exceeds this share of that of the clearest ridges."""

CLEAREST = 0.9
"""Quantile over the cells that stands for the clearest ridges: a print covers a tenth of a sensor."""

MIN_DEVIATION = 5.0
"""Grey levels: the noise of an empty sensor stays below."""

WINDOW_CELLS = (3, 3)
"""Window of the deviation: near four ridge periods, so that the gaps of a dry print do not count as holes."""


def segment_ridges(image: NDArray[np.uint8], dpi: float) -> Segmentation:
    """Find the print on an image of known resolution without frame.

    Dry prints are too faint to stand out by their mean level, yet their ridges still alternate: the local
    deviation finds them (Mehtre and Chatterjee, Segmentation of fingerprint images, 1989).

    Args:
        image: (height, width) uint8, frame cropped; rows and columns that fill no whole cell are not read.
        dpi: px per inch of the image.

    Raises:
        CaptureError: `too_small`, `no_print` or `low_contrast`.
    """
    cell_px = CELL_PX * max(1, round(CELL_INCH * dpi / CELL_PX))
    rows, columns = image.shape[0] // cell_px, image.shape[1] // cell_px
    if min(rows, columns) < 2 * WINDOW_CELLS[0]:
        needed = 2 * WINDOW_CELLS[0] * cell_px
        raise CaptureError(
            "too_small", f"expected a side of {needed} px at {dpi:g} dpi, got {image.shape}: rescan"
        )
    whole = image[: rows * cell_px, : columns * cell_px]
    mean, deviation = _measure_cells(whole, rows, columns)
    clearest = float(np.quantile(deviation, CLEAREST))
    if clearest < MIN_DEVIATION:
        raise CaptureError(
            "low_contrast", f"expected ridges of deviation {MIN_DEVIATION:g}, got {clearest:.1f}: rescan"
        )
    cells = np.asarray((deviation >= max(MIN_DEVIATION, DEVIATION_SHARE * clearest)) * 255, np.uint8)
    cells = _keep_largest(_smooth(cells))
    share = float((cells > 0).mean())
    if share < MIN_PRINT_SHARE:
        raise CaptureError(
            "no_print", f"expected a print on {MIN_PRINT_SHARE:.0%} of the image, got {share:.1%}: rescan"
        )
    below, right = (float(place.mean()) + 0.5 for place in np.nonzero(cells))
    level = cv2.resize(whole, (CELL_PX * columns, CELL_PX * rows), interpolation=cv2.INTER_AREA)
    coherence = measure_coherence(np.asarray(level, np.uint8), (right, below))
    means = np.asarray(np.rint(mean), np.uint8)
    return Segmentation(cells, means, cell_px, (right * cell_px, below * cell_px), share, coherence)


def _measure_cells(
    whole: NDArray[np.uint8], rows: int, columns: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Measure the mean of every cell and the deviation inside the cells of the window around it."""
    levels = whole.astype(np.float32)
    mean = cv2.resize(levels, (columns, rows), interpolation=cv2.INTER_AREA)
    square = cv2.resize(levels * levels, (columns, rows), interpolation=cv2.INTER_AREA)
    variance = cv2.blur(np.maximum(square - mean * mean, 0), WINDOW_CELLS)
    return np.asarray(mean, np.float32), np.sqrt(np.asarray(variance, np.float32))


def _smooth(cells: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Take specks away and close holes of one cell (majority of 3x3 cells)."""
    return np.asarray(cv2.medianBlur(cv2.medianBlur(cells, 3), 3), np.uint8)


def _keep_largest(cells: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Keep the largest connected area and fill the holes inside it."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(cells, connectivity=4)
    if count < 2:
        return cells
    largest = np.asarray((labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())) * 255, np.uint8)
    outlines = cv2.findContours(largest, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    return np.asarray(cv2.drawContours(largest, outlines, -1, 255, cv2.FILLED), np.uint8)
