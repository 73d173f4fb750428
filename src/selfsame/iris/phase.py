"""The texture of an iris ring by ring, and its phase along the angle."""

import numpy as np
from numpy.typing import NDArray


def average_cells(
    strips: NDArray[np.uint8], seen: NDArray[np.bool_], rings: int, directions: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Average the seen pixels of each ring, less the mean of their row: light falls off towards the limbus.

    Args:
        strips: (n, h, w) uint8.
        seen: (n, h, w) bool.
        rings: into how many rings of equal width the rows are put.
        directions: into how many places the columns are put where the share in sight is measured.

    Returns:
        (n, rings, w) float32 grey levels about 0, 0 where nothing is seen, and (n, rings, directions) float32
        the share of each place that is seen.
    """
    weight = seen.astype(np.float32)
    levels = np.multiply(strips, weight, dtype=np.float32)
    in_row = weight.sum(axis=2, keepdims=True)
    levels -= weight * (levels.sum(axis=2, keepdims=True) / np.maximum(in_row, 1))
    to_rings = overlap(strips.shape[1], rings)
    ring_weight = to_rings @ weight
    cells = np.asarray((to_rings @ levels) / np.maximum(ring_weight, 1e-6), dtype=np.float32)
    share = np.asarray(ring_weight @ overlap(strips.shape[2], directions).T, dtype=np.float32)
    return cells, share


def log_gabor_responses(
    cells: NDArray[np.float32], wavelength: float, bandwidth: float, directions: int
) -> NDArray[np.complex64]:
    """Filter each ring by log-Gabor wavelets along the angle.

    G(f) = exp(-ln²(f/f0) / (2 ln²(sigma/f0))), without negative frequencies: the phase of the response
    tells where in a wave a place lies (Field, "Relations between the statistics of natural images and the
    response properties of cortical cells", 1987).

    Args:
        cells: (n, rings, w) float32.
        wavelength: 1/f0 as a share of the ring.
        bandwidth: sigma/f0; 0.5 is about two octaves.
        directions: at how many places on the ring, evenly spaced, the first in column 0.

    Returns:
        (n, rings, directions) complex64.
    """
    waves = np.arange(1, min(cells.shape[-1] // 2, directions // 2) + 1)
    gain = np.exp(-(np.log(waves * wavelength) ** 2) / (2 * np.log(bandwidth) ** 2))
    spectrum = np.zeros((*cells.shape[:2], directions), np.complex64)
    spectrum[:, :, waves] = np.fft.rfft(cells, axis=2)[:, :, waves] * gain
    return np.fft.ifft(spectrum, axis=2).astype(np.complex64)


def overlap(fine: int, coarse: int) -> NDArray[np.float32]:
    """Return how much of each of `coarse` equal parts of a length each of `fine` equal parts fills.

    Returns:
        (coarse, fine) float32; each row sums to 1.

    >>> overlap(4, 2).tolist()
    [[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]]
    """
    start = np.arange(coarse)[:, None] / coarse
    first = np.arange(fine) / fine
    shared = np.minimum(start + 1 / coarse, first + 1 / fine) - np.maximum(start, first)
    return (np.maximum(shared, 0.0) * coarse).astype(np.float32)
