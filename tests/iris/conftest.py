"""Drawn eyes whose circles are known: what the tests of the iris look for."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from selfsame.iris.codes import IrisCodeSettings

PROJECT = Path(__file__).parents[2]

Eye = NDArray[np.uint8]
DrawEye = Callable[..., Eye]


def _texture(rho: NDArray[np.float64], angle: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Waves that the seed fixes in (ρ, θ), so that dilation and rotation carry them along."""
    rng = np.random.default_rng(seed)
    total = np.zeros(rho.shape)
    for _ in range(40):
        around, across = rng.integers(2, 24), rng.uniform(0, 12)
        total += np.cos(around * angle + across * rho + rng.uniform(0, 2 * np.pi))
    return 8 * total / total.std()


@pytest.fixture(scope="session")
def draw_eye() -> DrawEye:
    """A function that draws an eye of 320 x 240 px; every part has a default and can be moved."""

    def draw(
        *,
        pupil: tuple[float, float, float] = (158.0, 118.0, 24.0),
        limbus: tuple[float, float, float] = (160.0, 120.0, 56.0),
        turn_rad: float = 0.0,
        seed: int = 7,
        upper_lid_y: float | None = None,
        highlight: tuple[float, float] | None = None,
        noise: float = 2.0,
    ) -> Eye:
        y, x = np.mgrid[:240, :320].astype(np.float64)
        angle = np.arctan2(y - limbus[1], x - limbus[0])
        to_pupil = np.hypot(x - pupil[0], y - pupil[1]) - pupil[2]
        to_limbus = limbus[2] - np.hypot(x - limbus[0], y - limbus[1])
        rho = np.clip(to_pupil / np.maximum(to_pupil + to_limbus, 1.0), 0, 1)
        iris = 95 + _texture(rho, angle - turn_rad, seed)
        grey = np.where(to_limbus > 0, iris, 165.0)
        grey[to_pupil < 0] = 15.0
        almond = ((x - 160) / 140) ** 2 + ((y - 120) / 75) ** 2 > 1
        grey[almond] = 205.0
        if upper_lid_y is not None:
            grey[y < upper_lid_y + (x - limbus[0]) ** 2 / 400] = 205.0
        if highlight is not None:
            grey[np.hypot(x - highlight[0], y - highlight[1]) < 4] = 255.0
        grey = cv2.GaussianBlur(grey, (0, 0), 1.0)
        grey += np.random.default_rng(seed + 1).normal(0, noise, grey.shape)
        return np.clip(np.rint(grey), 0, 255).astype(np.uint8)

    return draw


@pytest.fixture(scope="session")
def code_settings() -> IrisCodeSettings:
    """The settings of iris codes in conf/base."""
    configured = yaml.safe_load((PROJECT / "conf/base/parameters_comparison.yml").read_text())
    settings = configured["biometrics"]["iris_left"]["comparison"]["comparators"]["iris_code"]
    return IrisCodeSettings.model_validate({name: settings[name] for name in IrisCodeSettings.model_fields})
