"""Drawn prints whose geometry is known, and a comparator that shares no code with the package."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from selfsame.fingerprint.distortion_model import DistortionModel

Grey = NDArray[np.uint8]


def draw_rings(
    height: int,
    width: int,
    centre: tuple[float, float],
    radius: float,
    period: float,
    contrast: float = 200.0,
) -> Grey:
    """Draw concentric dark ridges on a white disc-shaped contact, as (height, width) uint8."""
    y, x = np.mgrid[:height, :width]
    distance = np.hypot(x - centre[0], y - centre[1])
    ink = contrast * (0.5 + 0.5 * np.cos(2 * np.pi * distance / period)) * (distance < radius)
    return np.rint(255 - ink).astype(np.uint8)


@pytest.fixture
def rings() -> Callable[..., Grey]:
    return draw_rings


@pytest.fixture(scope="session")
def still() -> DistortionModel:
    """No distortion at all."""
    return DistortionModel(0, 0, 0, 0.25, 0, 0, 0, 0, 0)


@pytest.fixture(scope="session")
def usual() -> DistortionModel:
    """A usual second impression."""
    return DistortionModel(
        translation_share=0.04,
        rotation_deg=6.0,
        elastic_share=0.01,
        elastic_reach_share=0.25,
        pressure=0.2,
        scratches=1.0,
        dry_share=0.04,
        crop_share=0.12,
        noise_share=0.08,
    )


@pytest.fixture(scope="session")
def compare() -> Callable[[Grey, Grey], float]:
    return correlate


def correlate(first: Grey, second: Grey) -> float:
    """Score two normalised prints: best cross correlation over shifts and turns of up to 15 deg."""
    fixed = np.fft.rfft2(_spread(first), (192, 192))
    best = -1.0
    for angle in range(-15, 16, 3):
        moving = _spread(ndimage.rotate(second, angle, reshape=False, order=1, cval=128))
        peak = np.fft.irfft2(fixed * np.conj(np.fft.rfft2(moving, (192, 192))), (192, 192)).max()
        best = max(best, peak)
    return float(best)


def _spread(image: Grey) -> NDArray[np.float64]:
    """Blur a little, remove the level and scale to unit energy."""
    smooth = ndimage.gaussian_filter(image.astype(float) - 128, 1.0)
    return smooth / np.sqrt((smooth**2).sum() + 1e-9)
