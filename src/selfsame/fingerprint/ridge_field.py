"""The field of ridges: orientation, period and strength at every cell of a print."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.fingerprint.comparison_settings import RidgeSettings

CELL_PX = 4
"""px at 500 dpi: side of the cells that the field is measured in, about half a ridge period."""

FloatMap = NDArray[np.float32]


@dataclass(frozen=True)
class RidgeField:
    """What the ridges do in every cell of CELL_PX px.

    Attributes:
        normal_rad: (rows, columns) float32 direction across the ridges in [0, pi), from the x axis (right)
            towards the y axis (down).
        period_px: (rows, columns) float32 distance of neighbouring ridges, px at 500 dpi.
        coherence: (rows, columns) float32, 0 (no direction) to 1 (parallel ridges).
        energy: (rows, columns) float32 mean square of the ridges.
    """

    normal_rad: FloatMap
    period_px: FloatMap
    coherence: FloatMap
    energy: FloatMap

    def look_up(self, values: FloatMap, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> FloatMap:
        """Look the value of the cell up that holds each pixel."""
        last = values.shape[0] - 1, values.shape[1] - 1
        return values[np.minimum(rows // CELL_PX, last[0]), np.minimum(columns // CELL_PX, last[1])]


def measure_ridge_field(responses: NDArray[np.complex64], settings: RidgeSettings) -> RidgeField:
    """Measure the field from the energies of the oriented filters.

    The orientation is half the angle of the mean of E exp(2 i angle) over the filters, where E is the energy
    of a filter's response in a Gaussian window (averaging doubled angles: Kass and Witkin, Analyzing oriented
    patterns, 1987; energies of oriented band-pass filters as in Chikkerur, Cartwright and Govindaraju,
    Fingerprint enhancement using STFT analysis, 2007); the period is the mean over the bands in the same way.

    Args:
        responses: (periods, orientations, height, width) of `filter_bank.respond`.
        settings: the filters and the window.
    """
    periods, orientations, height, width = responses.shape
    size = (max(1, width // CELL_PX), max(1, height // CELL_PX))
    energies = np.empty((periods, orientations, size[1], size[0]), np.float32)
    sigma = settings.smoothing_px / CELL_PX
    for i in range(periods):
        for k in range(orientations):
            one = responses[i, k]
            squared = one.real * one.real + one.imag * one.imag
            cells = cv2.resize(squared, size, interpolation=cv2.INTER_AREA)
            energies[i, k] = cv2.GaussianBlur(cells, (0, 0), sigma)
    angles = np.arange(orientations) * np.pi / orientations
    turned = np.exp(2j * angles).astype(np.complex64)
    by_orientation = energies.sum(axis=0)
    total = by_orientation.sum(axis=0) + np.float32(1e-9)
    tensor = np.tensordot(turned, by_orientation, axes=(0, 0)) / total
    by_period = energies.sum(axis=1) / total
    log_periods = np.log(np.array(settings.periods_px, np.float32))
    period = np.exp(np.tensordot(log_periods, by_period, axes=(0, 0)))
    normal = np.mod(np.angle(tensor) / 2, np.pi)
    return RidgeField(
        normal.astype(np.float32), period.astype(np.float32), np.abs(tensor).astype(np.float32), total
    )
