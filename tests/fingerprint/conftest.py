"""Drawn prints whose geometry is known, and a comparator that shares no code with the package."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from scipy import ndimage

from selfsame.fingerprint.comparison_settings import PrintComparison
from selfsame.fingerprint.distortion_model import DistortionModel

SETTINGS = Path(__file__).parents[2] / "conf/base/parameters_comparison.yml"

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


def draw_ridges(
    points: NDArray[np.float64],
    *,
    side: int = 320,
    radius: float = 140.0,
    turn_rad: float = 0.0,
    shift: tuple[float, float] = (0.0, 0.0),
    period: float = 9.0,
    bend_px: float = 150.0,
) -> NDArray[np.uint8]:
    """Draw arched ridges with a spiral of the phase at every point: an image and its mask.

    The model of Larkin and Fletcher (2007): phase = smooth phase + sum of sign * angle around the point.

    Args:
        points: (n, 3) x, y from the middle and sign of each minutia, before the print is moved.
        side: px of the array.
        radius: px of the disc that is printed.
        turn_rad: rotation of the print around the middle, from the x axis towards the y axis.
        shift: px that the print is moved by after that, along x and y.
        period: px between ridges.
        bend_px: radius of the ridge through the middle; infinite for straight ones.

    Returns:
        (2, side, side) uint8: dark ridges of deviation 64 around 128, and 255 inside the print.
    """
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    place = ((x - shift[0]) + 1j * (y - shift[1])) * np.exp(-1j * turn_rad)
    bent = np.hypot(place.real, place.imag + bend_px) if np.isfinite(bend_px) else place.imag
    phase = 2 * np.pi * bent / period
    for point_x, point_y, sign in points:
        phase = phase + sign * np.angle(place - (point_x + 1j * point_y))
    image = np.rint(128 + 90 * np.cos(phase)).astype(np.uint8)
    mask = np.asarray((np.abs(place) <= radius) * 255, np.uint8)
    return np.stack([np.where(mask > 0, image, 128).astype(np.uint8), mask])


def scatter_minutiae(seed: int, count: int = 28, radius: float = 115.0, apart: float = 24.0) -> NDArray:
    """Scatter points with signs over a disc, none nearer to another than `apart` px: (n, 3)."""
    rng = np.random.default_rng(seed)
    places: list[complex] = []
    while len(places) < count:
        place = complex(*rng.uniform(-radius, radius, 2))
        if abs(place) < radius and all(abs(place - other) >= apart for other in places):
            places.append(place)
    kept = np.array(places)
    return np.stack([kept.real, kept.imag, rng.choice([-1.0, 1.0], count)], axis=1)


@pytest.fixture(scope="session")
def ridges() -> Callable[..., NDArray[np.uint8]]:
    return draw_ridges


@pytest.fixture(scope="session")
def scattered() -> Callable[..., NDArray[np.float64]]:
    return scatter_minutiae


@pytest.fixture(scope="session")
def settings() -> PrintComparison:
    """The settings that the benchmark measures."""
    prints = yaml.safe_load(SETTINGS.read_text())["fingerprints"]["fingerprint"]
    settings = prints["comparison"]["comparators"]["minutiae"]
    return PrintComparison(**{name: settings[name] for name in PrintComparison.model_fields})
