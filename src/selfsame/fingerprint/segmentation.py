"""Telling the print from the empty sensor, and ridges from anything else."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.errors import CaptureError

CELL_PX = 4
"""Side of a cell of the segmentation on the working image: about one ridge period of the smallest prints."""

MAX_SIDE_PX = 200
"""Longer sides are shrunk first: at 500 dpi a ridge period (9 px) then still covers 4 px or more."""

INK_SHARE = 0.3
"""A cell is print where its ink exceeds this share of the ink of the darkest tenth of the cells."""

MIN_INK = 12.0
"""Grey levels that the darkest tenth of the cells must lie under the background; sensor noise stays under 5."""

MIN_COHERENCE = 0.24
"""Least mean ridge coherence of a print: white noise has 0.19, the worst of 450 real prints 0.27."""

MIN_PRINT_SHARE = 0.04
"""Least share of the image that a print must cover to be of use."""


@dataclass(frozen=True)
class Segmentation:
    """Where the print is.

    Attributes:
        cells: (rows, columns) uint8, 255 where the cell is print.
        cell_height_px: rows of the image in a cell (not whole).
        cell_width_px: columns of the image in a cell (not whole).
        foreground_share: share of the image that is print, 0..1.
        ridge_coherence: mean coherence of the ridges' orientation over the print, 0 (none) to 1 (parallel).
    """

    cells: NDArray[np.uint8]
    cell_height_px: float
    cell_width_px: float
    foreground_share: float
    ridge_coherence: float


def segment_print(image: NDArray[np.uint8]) -> Segmentation:
    """Find the print on an image without frame, dark ridges on a lighter ground.

    Ink (how far a cell's mean lies under the background's level) finds ridges and saturated areas alike; the
    largest connected region with its holes filled is the print. The coherence of its gradients tells ridges
    from noise.

    Args:
        image: (height, width) uint8, frame cropped.

    Raises:
        CaptureError: `too_small`, `no_print`, `low_contrast` or `no_ridges`.
    """
    height, width = image.shape
    if min(height, width) < 8 * CELL_PX:
        raise CaptureError(
            "too_small",
            f"expected at least {8 * CELL_PX} px inside the frame, got {width}x{height}; rescan it",
        )
    work = _shrink(image)
    rows, columns = work.shape[0] // CELL_PX, work.shape[1] // CELL_PX
    cells = _find_inked_cells(cv2.resize(work, (columns, rows), interpolation=cv2.INTER_AREA))
    share = cv2.countNonZero(cells) / (rows * columns)
    if share < MIN_PRINT_SHARE:
        raise CaptureError(
            "no_print", f"expected a print on {MIN_PRINT_SHARE:.0%} of the image, got {share:.1%}; rescan it"
        )
    coherence = _measure_coherence(work, cells)
    if coherence < MIN_COHERENCE:
        raise CaptureError(
            "no_ridges",
            f"expected a ridge coherence of {MIN_COHERENCE}, got {coherence:.2f}; rescan the finger",
        )
    return Segmentation(cells, height / rows, width / columns, share, coherence)


def _shrink(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Shrink an image whose longer side is over the working size."""
    scale = MAX_SIDE_PX / max(image.shape)
    if scale >= 1:
        return image
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def _find_inked_cells(means: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mark the largest region of cells darker than the background, 255 inside."""
    levels = np.sort(means, axis=None)
    background = float(levels[-1 - levels.size // 20])
    ink = background - float(levels[levels.size // 10])
    if ink < MIN_INK:
        raise CaptureError(
            "low_contrast",
            f"expected a print {MIN_INK:.0f} levels under its ground, got {ink:.0f}; rescan it",
        )
    smooth = cv2.blur(means, (3, 3))
    inked = cv2.compare(smooth, background - INK_SHARE * ink, cv2.CMP_LT)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(inked, connectivity=4)
    if count < 2:
        return inked
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    return _fill_holes(np.where(labels == largest, np.uint8(255), np.uint8(0)))


def _fill_holes(cells: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Fill what the region encloses."""
    outlines, _ = cv2.findContours(cells, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(cells, outlines, -1, 255, thickness=cv2.FILLED)
    return cells


def _measure_coherence(work: NDArray[np.uint8], cells: NDArray[np.uint8]) -> float:
    """Measure |mean of squared gradients| over mean of |gradients|^2, in windows of 2 cells, over the print.

    Kass and Witkin, Analyzing oriented patterns (1987); Bazen and Gerez, Systematic methods for the
    computation of the directional fields and singular points of fingerprints (2002).
    """
    columns, rows = cells.shape[1], cells.shape[0]
    across = cv2.Sobel(work, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(work, cv2.CV_32F, 0, 1)
    size = (columns // 2, rows // 2)
    energies = [
        cv2.resize(product, size, interpolation=cv2.INTER_AREA)
        for product in (cv2.multiply(across, across), cv2.multiply(down, down), cv2.multiply(across, down))
    ]
    xx, yy, xy = energies
    inside = cv2.resize(cells, size, interpolation=cv2.INTER_AREA) > 127
    total = float((xx + yy)[inside].sum())
    if total == 0:
        return 0.0
    aligned = cv2.magnitude(xx - yy, 2 * xy)
    return float(aligned[inside].sum()) / total
