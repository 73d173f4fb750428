"""Telling the print from the empty sensor, and ridges from anything else."""

from dataclasses import dataclass
from functools import lru_cache

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

INK_SHARE = 0.34
"""A cell is print where its ink exceeds this share of the full ink: faint ridges do, smears do not."""

MIN_COHERENCE = 0.24
"""Least ridge coherence of a print: white noise stays under 0.21, and 530 real prints of two sensors lie over
0.35."""

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
    level = whole if cell_px == CELL_PX else _shrink(whole, CELL_PX * rows, CELL_PX * columns)
    fine = _shrink(whole, 2 * rows, 2 * columns) if cell_px == CELL_PX else level
    means = _shrink(fine, rows, columns)
    cells = _find_inked(fine, means)
    inked, below, right = (_list_places(rows, columns) @ cells.ravel().astype(np.float64)).tolist()
    share = inked / cells.size / 255
    if share < MIN_PRINT_SHARE:
        raise CaptureError(
            "no_print", f"expected a print on {MIN_PRINT_SHARE:.0%} of the image, got {share:.1%}: rescan"
        )
    centre = right / inked, below / inked
    coherence = measure_coherence(level, centre)
    return Segmentation(cells, means, cell_px, (centre[0] * cell_px, centre[1] * cell_px), share, coherence)


@lru_cache(maxsize=16)
def _list_places(rows: int, columns: int) -> NDArray[np.float64]:
    """List 1, the row and the column of every cell's middle as (3, rows * columns).

    Their sums over cells are multiples of one half, which are exact in whatever order they are added.
    """
    places = np.stack([np.ones((rows, columns)), *(np.indices((rows, columns)) + 0.5)])
    return places.reshape(3, -1)


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


def _find_inked(fine: NDArray[np.uint8], means: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mark the cells darker than the ground, 255 inside; small specks and holes are smoothed away.

    The ground is the brightest sample: where a print fills the image, that is in a valley.
    """
    ground = cv2.minMaxLoc(fine)[1]
    darkest = cv2.minMaxLoc(cv2.blur(means, WINDOW_CELLS))[0]
    if ground - darkest < MIN_INK:
        raise CaptureError(
            "low_contrast",
            f"expected a print {MIN_INK:.0f} levels under its ground, got {ground - darkest:.0f}: rescan",
        )
    full = min(FULL_INK, ground - darkest)
    cut = np.maximum(fine, np.uint8(ground - full))
    ink = cv2.blur(_shrink(cut, *means.shape), WINDOW_CELLS)
    inked = cv2.threshold(ink, ground - INK_SHARE * full, 255, cv2.THRESH_BINARY_INV)[1]
    return np.asarray(cv2.threshold(cv2.blur(inked, WINDOW_CELLS), 127, 255, cv2.THRESH_BINARY)[1], np.uint8)


def _shrink(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Average over areas of whole px."""
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def measure_coherence(image: NDArray[np.uint8], centre: tuple[float, float]) -> float:
    """Measure |mean of squared gradients| over mean of |gradients|^2, in windows of 2x2 cells of CELL_PX.

    Kass and Witkin, Analyzing oriented patterns (1987); Bazen and Gerez, Systematic methods for the
    computation of the directional fields and singular points of fingerprints (2002). The gradients are the
    differences along both diagonals of 2x2 px (Roberts, 1963), which tell noise from ridges of 3 to 5 px
    better than larger operators do: those make neighbours in noise alike.

    Args:
        image: (height, width) uint8, cells of CELL_PX.
        centre: x and y of the print's centroid, in cells.
    """
    side = 2 * CELL_PX
    height, width = image.shape
    rows, columns = (
        min(COHERENCE_CELLS // 2, (height - 1) // side),
        min(COHERENCE_CELLS // 2, (width - 1) // side),
    )
    left = min(max(round((centre[0] - columns) * CELL_PX), 0), width - columns * side - 1)
    top = min(max(round((centre[1] - rows) * CELL_PX), 0), height - rows * side - 1)
    # Differences of flat arrays: the ends of the lines, where they are wrong, lie outside the windows.
    levels = image[top : top + rows * side + 1].astype(np.float32).ravel()
    falling, rising = levels[width + 1 :] - levels[: -width - 1], levels[width:-1] - levels[1:-width]
    products = np.zeros((3, rows * side * width), np.float32)
    np.multiply(falling, rising, out=products[0, :-1])
    np.multiply(falling, falling, out=products[1, :-1])
    np.multiply(rising, rising, out=products[2, :-1])
    lines = products.reshape(3 * rows * side, width)[:, left : left + columns * side]
    means = cv2.resize(lines, (columns, 3 * rows), interpolation=cv2.INTER_AREA).reshape(3, rows, columns)
    along, across = 2 * means[0], means[1] - means[2]
    energy = cv2.sumElems(means[1])[0] + cv2.sumElems(means[2])[0]
    return cv2.sumElems(np.sqrt(along * along + across * across))[0] / energy if energy else 0.0
