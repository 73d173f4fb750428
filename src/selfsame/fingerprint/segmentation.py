"""Telling the print from the empty sensor, and ridges from anything else."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.errors import CaptureError

FloatMap = NDArray[np.float32]

CELL_PX, CELLS_A_SIDE = 4, 32
"""Smallest side of a cell, and about how many cells the longer side of a larger image is divided into: a cell
is then near one ridge period, from small sensors (96x103, period 4 px) to 388x374 at 500 dpi (9 px)."""

MIN_INK, FULL_INK = 16.0, 80.0
"""Grey levels under the ground: what the darkest part of a print reaches at least, and from where on darker
counts no more, so that a saturated part does not hide a faint one."""

INK_SHARE = 0.3
"""A cell is print where its ink exceeds this share of the full ink: faint ridges do, smears do not."""

MIN_COHERENCE = 0.24
"""Least ridge coherence of a print: white noise stays under 0.22, and of 450 real prints one lies at 0.27
and the others over 0.37."""

MIN_PRINT_SHARE = 0.04
"""Least share of the image that a print must cover to be of use."""

WINDOW_CELLS = (3, 3)
"""Window of the ink, in cells: two to three ridge periods, so that valleys count as print."""

COHERENCE_CELLS = 16
"""The coherence is measured on so many cells a side in the middle of the print."""


@dataclass(frozen=True)
class Segmentation:
    """Where the print is, in cells of equal size.

    Attributes:
        cells: (rows, columns) uint8, 255 where the cell is print.
        means: (rows, columns) uint8 mean grey level of each cell.
        cell_px: side of a cell in the image.
        centre: x and y of the print's centroid, in px of the image.
        foreground_share: share of the image that is print, 0..1.
        ridge_coherence: how parallel the ridges run in the middle of the print: 0 (noise) to 1 (parallel).
    """

    cells: NDArray[np.uint8]
    means: NDArray[np.uint8]
    cell_px: int
    centre: tuple[float, float]
    foreground_share: float
    ridge_coherence: float


def segment_print(image: NDArray[np.uint8]) -> Segmentation:
    """Find the print on an image without frame, dark ridges on a lighter ground.

    Ink (how far the mean around a cell lies under the ground's level) finds ridges and saturated areas alike.

    Args:
        image: (height, width) uint8, frame cropped; rows and columns that fill no whole cell are not read.

    Raises:
        CaptureError: `too_small`, `no_print` or `low_contrast`.
    """
    height, width = image.shape
    if min(height, width) < 8 * CELL_PX:
        raise CaptureError(
            "too_small", f"expected at least {8 * CELL_PX} px inside the frame, got {width}x{height}: rescan"
        )
    cell_px = CELL_PX * max(1, round(max(height, width) / (CELL_PX * CELLS_A_SIDE)))
    rows, columns = height // cell_px, width // cell_px
    whole = image[: rows * cell_px, : columns * cell_px]
    means = np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)
    cells = _find_inked(whole, means)
    share = cv2.countNonZero(cells) / cells.size
    if share < MIN_PRINT_SHARE:
        raise CaptureError(
            "no_print", f"expected a print on {MIN_PRINT_SHARE:.0%} of the image, got {share:.1%}: rescan"
        )
    moments = cv2.moments(cells, binaryImage=True)
    x, y = ((moments[name] / moments["m00"] + 0.5) * cell_px for name in ("m10", "m01"))
    return Segmentation(cells, means, cell_px, (x, y), share, _measure_coherence(whole, (x, y), cell_px))


def require_ridges(found: Segmentation) -> None:
    """Refuse what has no parallel ridges.

    Raises:
        CaptureError: `no_ridges`.
    """
    if found.ridge_coherence < MIN_COHERENCE:
        raise CaptureError(
            "no_ridges",
            f"expected a ridge coherence of at least {MIN_COHERENCE}, got {found.ridge_coherence:.2f}",
        )


def _find_inked(whole: NDArray[np.uint8], means: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mark the cells darker than the ground, 255 inside; small specks and holes are smoothed away.

    The ground is the brightest spot of 3x3 px: where a print fills the image, that is in a valley.
    """
    ground = cv2.minMaxLoc(cv2.blur(whole, (3, 3)))[1]
    darkest = cv2.minMaxLoc(cv2.blur(means, WINDOW_CELLS))[0]
    if ground - darkest < MIN_INK:
        raise CaptureError(
            "low_contrast",
            f"expected a print {MIN_INK:.0f} levels under its ground, got {ground - darkest:.0f}: rescan",
        )
    full = min(FULL_INK, ground - darkest)
    cut = np.maximum(whole, np.uint8(ground - full))
    ink = cv2.blur(cv2.resize(cut, means.shape[::-1], interpolation=cv2.INTER_AREA), WINDOW_CELLS)
    inked = cv2.threshold(ink, ground - INK_SHARE * full, 255, cv2.THRESH_BINARY_INV)[1]
    return np.asarray(cv2.threshold(cv2.blur(inked, WINDOW_CELLS), 127, 255, cv2.THRESH_BINARY)[1], np.uint8)


def _measure_coherence(whole: NDArray[np.uint8], centre: tuple[float, float], cell_px: int) -> float:
    """Measure |mean of squared gradients| over mean of |gradients|^2, in windows of 2x2 cells.

    Kass and Witkin, Analyzing oriented patterns (1987); Bazen and Gerez, Systematic methods for the
    computation of the directional fields and singular points of fingerprints (2002).
    """
    side = 2 * cell_px
    height, width = whole.shape
    rows, columns = (min(COHERENCE_CELLS * cell_px, size) // side for size in (height, width))
    left = min(max(round(centre[0] - columns * cell_px), 0), width - columns * side)
    top = min(max(round(centre[1] - rows * cell_px), 0), height - rows * side)
    middle = np.ascontiguousarray(whole[top : top + rows * side, left : left + columns * side])
    gradients = cv2.merge(cv2.spatialGradient(middle)).astype(np.float32)
    energy = cv2.norm(gradients, cv2.NORM_L2SQR) / side**2
    doubled = np.square(gradients.view(np.complex64)).view(np.float32)
    windows = cv2.resize(doubled, (columns, rows), interpolation=cv2.INTER_AREA)
    return float(np.abs(windows.view(np.complex64)).sum()) / energy if energy else 0.0
