"""Telling the ridged area from the empty sensor by how much the grey levels vary, however faint the ink."""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.fingerprint.segmentation import Segmentation

DEVIATION_SHARE = 0.25
"""A cell belongs to the print where the deviation around it exceeds this share of that of the clearest ridges."""

CLEAREST = 0.9
"""Quantile over the cells that stands for the clearest ridges; a print covers more than a tenth of a sensor."""

MIN_DEVIATION = 5.0
"""Grey levels: the noise of an empty sensor stays below."""

WINDOW_CELLS = (3, 3)
"""Window of the deviation: two to four ridge periods, so that the gaps of a dry print do not count as holes."""


def widen_to_ridges(image: NDArray[np.uint8], found: Segmentation) -> Segmentation:
    """Replace the print's cells, found by its ink, by those whose grey levels vary as ridges do.

    Dry prints are too faint to stand out by their mean level, yet their ridges still alternate: the local
    deviation finds them (Mehtre and Chatterjee, Segmentation of fingerprint images: a composite method, 1989).

    Args:
        image: (height, width) uint8 that `found` was found on.
        found: the segmentation by ink.

    Returns:
        The segmentation with the new cells, their centroid and share; what it was where nothing varies.
    """
    rows, columns = found.cells.shape
    levels = image[: rows * found.cell_px, : columns * found.cell_px].astype(np.float32)
    mean = cv2.resize(levels, (columns, rows), interpolation=cv2.INTER_AREA)
    square = cv2.resize(levels * levels, (columns, rows), interpolation=cv2.INTER_AREA)
    deviation = np.sqrt(np.maximum(cv2.blur(np.maximum(square - mean * mean, 0), WINDOW_CELLS), 0))
    least = max(MIN_DEVIATION, DEVIATION_SHARE * float(np.quantile(deviation, CLEAREST)))
    cells = _keep_largest(_smooth(np.asarray((deviation >= least) * 255, np.uint8)))
    if not cells.any():
        return found
    below, right = (np.nonzero(cells)[axis].mean() + 0.5 for axis in (0, 1))
    centre = float(right * found.cell_px), float(below * found.cell_px)
    return replace(found, cells=cells, centre=centre, foreground_share=float((cells > 0).mean()))


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
