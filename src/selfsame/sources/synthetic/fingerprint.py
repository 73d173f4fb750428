"""Procedural fingerprints: a master print per finger, and the impressions that a sensor takes of it."""

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.fingerprint.distortion import distort_fingerprint
from selfsame.fingerprint.distortion_model import DistortionModel
from selfsame.sources.synthetic.fingerprint_model import FingerprintModel
from selfsame.sources.synthetic.orientation import draw_orientation, draw_pattern, draw_singularities
from selfsame.sources.synthetic.ridges import GROWTH_PERIOD_PX, grow_ridges

MASTER_MARGIN = 1.25
"""The master is so much larger than the sensor, so that no impression sees where it ends."""

RIDGE_EDGE = 2.2
"""Steepness of a ridge's flank (1 is nearly a sine, 3 nearly black and white)."""

GROUND = np.float32(250)
"""Grey level of the empty sensor."""

GROUND_NOISE = 1.5
"""Standard deviation of the sensor's noise where nothing touches it, in grey levels."""

INK_DEPTHS = (0.6, 1.0)
"""Contrast of the ridges between dry and moist skin."""

OUTLINE_POWER = 2.4
"""Exponent of the contact's outline: 2 is an ellipse, more is squarer, as fingertips are."""

EDGE_STEEPNESS = 8.0
"""How sharply the contact ends: in an eighth of its radius."""


def synthesise_master(rng: np.random.Generator, model: FingerprintModel) -> NDArray[np.uint8]:
    """Make the ridge pattern of one finger, larger than the sensor and without an outline.

    Args:
        rng: the finger's identity: the same state gives the same ridges and minutiae.
        model: the population and the sensor.

    Returns:
        (height, width) uint8, MASTER_MARGIN times the sensor's size: 0 on the ridges, 255 in the valleys.
    """
    height, width = round(model.height_px * MASTER_MARGIN), round(model.width_px * MASTER_MARGIN)
    scale = GROWTH_PERIOD_PX / model.ridge_period_px
    grid = (round(height * scale), round(width * scale))
    pattern = draw_pattern(rng, arch_share=model.arch_share, whorl_share=model.whorl_share)
    points = draw_singularities(rng, pattern)
    orientation_rad = draw_orientation(rng, pattern, points, height=grid[0], width=grid[1])
    period = _draw_period(rng, grid, model.ridge_period_spread)
    ridges = grow_ridges(orientation_rad, period, rng, steps=model.growth_steps)
    smooth = cv2.GaussianBlur(ridges, (3, 3), 0)
    fine = np.clip(cv2.resize(smooth, (width, height), interpolation=cv2.INTER_CUBIC), -1, 1)
    return np.asarray(np.rint(127.5 - 127.5 * np.tanh(RIDGE_EDGE * fine) / np.tanh(RIDGE_EDGE)), np.uint8)


def _draw_period(rng: np.random.Generator, grid: tuple[int, int], spread: float) -> NDArray[np.float32]:
    """Draw the ridge period at every pixel of the growth grid: one level a finger, and smooth changes."""
    level = 1 + spread * np.clip(rng.standard_normal(), -2, 2)
    changes = 1 + spread * np.clip(rng.standard_normal((4, 4)), -2, 2).astype(np.float32)
    smooth = cv2.resize(changes, (grid[1], grid[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.maximum(GROWTH_PERIOD_PX * level * smooth, 3.0), np.float32)


def impress(
    master: NDArray[np.uint8], rng: np.random.Generator, distortion: DistortionModel
) -> NDArray[np.uint8]:
    """Press a finger on the sensor once.

    Args:
        master: what synthesise_master made; the sensor is MASTER_MARGIN times smaller.
        rng: the capture's chance: outline of the contact, moisture, distortion, noise of the ground.
        distortion: how strongly the capture differs from the master.

    Returns:
        (height_px, width_px) uint8, dark ridges on a light ground.
    """
    height, width = (round(side / MASTER_MARGIN) for side in master.shape)
    contact = _draw_contact(rng, master.shape, height, width)
    depth = np.float32(rng.uniform(*INK_DEPTHS))
    touched = GROUND - np.rint((255 - master.astype(np.float32)) * contact * depth)
    moved = distort_fingerprint(np.clip(touched, 0, 255).astype(np.uint8), rng, model=distortion)
    top, left = (master.shape[0] - height) // 2, (master.shape[1] - width) // 2
    seen = moved[top : top + height, left : left + width]
    noise = rng.normal(0, GROUND_NOISE, seen.shape).astype(np.float32)
    return np.clip(np.rint(seen + noise), 0, 255).astype(np.uint8)


def _draw_contact(
    rng: np.random.Generator, shape: tuple[int, ...], height: int, width: int
) -> NDArray[np.float32]:
    """Draw where the fingertip touches: a dome over straighter sides, 0..1 with a soft edge."""
    wide, high = rng.uniform(0.44, 0.52) * width, rng.uniform(0.44, 0.52) * height
    low = rng.uniform(0.55, 0.75) * height
    x = np.arange(shape[1], dtype=np.float32)[None, :] - np.float32(shape[1] / 2)
    y = np.arange(shape[0], dtype=np.float32)[:, None] - np.float32(shape[0] / 2)
    reach = np.where(y < 0, np.float32(high), np.float32(low))
    wave = rng.normal(0, 0.03, (6, 6)).astype(np.float32)
    radius = np.abs(x / np.float32(wide)) ** OUTLINE_POWER + np.abs(y / reach) ** OUTLINE_POWER
    radius += cv2.resize(wave, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.clip((1 - radius) * np.float32(EDGE_STEEPNESS), 0, 1).astype(np.float32)
