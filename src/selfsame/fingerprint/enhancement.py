"""Enhancing ridges: at every pixel the response of the filter that fits the ridges there."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.fingerprint.comparison_settings import RidgeSettings
from selfsame.fingerprint.filter_bank import respond
from selfsame.fingerprint.ridge_field import RidgeField, measure_ridge_field

FAINT = np.float32(0.15)
"""Of a print whose ridges have deviation 1: fainter ridges are not brought to full strength."""


@dataclass(frozen=True)
class Ridges:
    """The enhanced ridges of a print, cropped to its mask.

    Attributes:
        signal: (height, width) complex64 analytic signal: the phase grows along the normal, near pi is ridge.
        normal_rad: (height, width) float32 in [0, pi).
        mask: (height, width) uint8, 255 inside the print.
        field: the ridges in cells.
        origin: x and y of the crop's corner, px at 500 dpi.
    """

    signal: NDArray[np.complex64]
    normal_rad: NDArray[np.float32]
    mask: NDArray[np.uint8]
    field: RidgeField
    origin: tuple[int, int]


def enhance(image: NDArray[np.float32], mask: NDArray[np.uint8], settings: RidgeSettings) -> Ridges | None:
    """Enhance the ridges of a print, or return None where the mask is empty.

    Args:
        image: (height, width) float32 at 500 dpi, mean 0 and deviation near 1, ridges negative.
        mask: (height, width) uint8, 255 inside the print.
        settings: the filters and the number of passes.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if min(rows.size, columns.size) == 0:
        return None
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    inside = np.ascontiguousarray(mask[window])
    levels = np.where(inside > 0, image[window], np.float32(0))
    for _ in range(settings.passes):
        responses = respond(levels, settings)
        field = measure_ridge_field(responses, settings)
        signal, normal = steer(responses, field, settings)
        levels = np.where(inside > 0, signal.real / (np.abs(signal) + FAINT), np.float32(0))
    return Ridges(signal, normal, inside, field, (int(columns[0]), int(rows[0])))


def steer(
    responses: NDArray[np.complex64], field: RidgeField, settings: RidgeSettings
) -> tuple[NDArray[np.complex64], NDArray[np.float32]]:
    """Interpolate the filters' responses at the field's orientation and period.

    A contextual filter (Hong, Wan and Jain, Fingerprint image enhancement, 1998) without one filter a pixel.

    Args:
        responses: (periods, orientations, height, width) of `filter_bank.respond`.
        field: the ridges' orientation and period.
        settings: the filters.

    Returns:
        (height, width) complex64 analytic signal, whose phase grows along the normal, and the normal in
        [0, pi) as (height, width) float32.
    """
    periods, orientations, height, width = responses.shape
    tensor = np.exp(2j * field.normal_rad)
    real = _enlarge(tensor.real, height, width)
    imaginary = _enlarge(tensor.imag, height, width)
    normal = np.mod(np.arctan2(imaginary, real) / 2, np.float32(np.pi))
    period = _enlarge(field.period_px, height, width)
    position = normal * np.float32(orientations / np.pi)
    below = np.floor(position).astype(np.int32)
    share = position - below
    below %= orientations
    above = (below + 1) % orientations
    log_periods = np.log(np.array(settings.periods_px, np.float32))
    band = np.interp(np.log(period), log_periods, np.arange(periods)).astype(np.float32)
    low = np.minimum(np.floor(band).astype(np.int32), max(periods - 2, 0))
    high = np.minimum(low + 1, periods - 1)
    band_share = band - low
    flat = responses.reshape(periods * orientations, -1)
    pixels = np.arange(height * width)

    def pick(i: NDArray[np.int32], k: NDArray[np.int32]) -> NDArray[np.complex64]:
        return flat[(i * orientations + k).ravel(), pixels].reshape(height, width)

    def blend(k: NDArray[np.int32]) -> NDArray[np.complex64]:
        return pick(low, k) * (1 - band_share) + pick(high, k) * band_share

    upper = blend(above)
    upper = np.where(above < below, upper.conj(), upper)
    return blend(below) * (1 - share) + upper * share, normal


def _enlarge(cells: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Interpolate a map of cells to the pixels."""
    even = np.ascontiguousarray(cells, np.float32)
    return np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
