"""Oriented band-pass filters over a print: the measurements behind orientation, period and enhancement."""

import math
from functools import lru_cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from selfsame.fingerprint.comparison_settings import RidgeSettings

MARGIN_PERIODS = 2
"""Ridge periods of empty margin: what runs over one side of the plane does not come back on the other."""

SIDE_STEP = 64
"""px: sizes that filters are made for."""


def respond(image: NDArray[np.float32], settings: RidgeSettings) -> NDArray[np.complex64]:
    """Filter a print with every pair of period and orientation.

    The filters are log-Gabor in the radius (Field, Relations between the statistics of natural images and the
    response properties of cortical cells, 1987) and Gaussian in the angle, on one half of the plane only, so
    that a response is analytic: its modulus is the strength of the ridges, its angle their phase, which grows
    along the filter's orientation (the normal of the ridges) and is near pi on dark ridges.

    Args:
        image: (height, width) float32 at 500 dpi, mean 0.
        settings: periods and widths of the filters.

    Returns:
        (periods, orientations, height, width) complex64; orientation k is the angle k pi / orientations from
        the x axis (to the right) towards the y axis (down).
    """
    height, width = image.shape
    margin = MARGIN_PERIODS * max(settings.periods_px)
    shape = _round_up(height + margin), _round_up(width + margin)
    radial, angular = _make_filters(shape, settings)
    spectrum = scipy.fft.fft2(image, shape)
    responses = np.empty((len(radial), len(angular), height, width), np.complex64)
    for i, band in enumerate(radial):
        passed = spectrum * band
        for k, sector in enumerate(angular):
            one = scipy.fft.ifft2(passed * sector, overwrite_x=True)
            responses[i, k] = one[:height, :width]
    return responses


def _round_up(side: float) -> int:
    """Round a side up to a whole number of SIDE_STEP, so that few sizes of filters are ever made."""
    return int(scipy.fft.next_fast_len(math.ceil(side / SIDE_STEP) * SIDE_STEP))


@lru_cache(maxsize=32)
def _make_filters(
    shape: tuple[int, int], settings: RidgeSettings
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Make the radial (periods, rows, columns) and the angular (orientations, rows, columns) factors."""
    y = scipy.fft.fftfreq(shape[0])[:, None].astype(np.float32)
    x = scipy.fft.fftfreq(shape[1])[None, :].astype(np.float32)
    radius = np.hypot(x, y)
    radius[0, 0] = 1e-9
    angle = np.arctan2(y, x)
    periods = np.array(settings.periods_px, np.float32)[:, None, None]
    steps = (np.arange(settings.orientations) * np.pi / settings.orientations).astype(np.float32)
    radial = np.exp(-(np.log(radius * periods) ** 2) / np.float32(2 * np.log(settings.radial_ratio) ** 2))
    away = np.abs(angle - steps[:, None, None])
    away = np.minimum(away, np.float32(2 * np.pi) - away)
    angular = np.exp(-(away**2) / np.float32(2 * settings.angular_sigma_rad**2))
    return radial.astype(np.float32), angular.astype(np.float32)
