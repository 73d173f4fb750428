"""The orientation of a finger's ridges, drawn from its pattern class and its singular points."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

FloatField = NDArray[np.float32]
Pattern = Literal["arch", "left_loop", "right_loop", "whorl"]


@dataclass(frozen=True)
class Singularities:
    """The singular points of a finger, as (x, y) in units of its half width, y downwards, core near (0, 0).

    Attributes:
        cores: points that the orientation turns by half a turn around.
        deltas: points that it turns by half a turn around the other way.
    """

    cores: tuple[tuple[float, float], ...]
    deltas: tuple[tuple[float, float], ...]


def draw_pattern(rng: np.random.Generator, *, arch_share: float, whorl_share: float) -> Pattern:
    """Draw a pattern class; loops to either side are as frequent."""
    drawn = rng.uniform()
    if drawn < arch_share:
        return "arch"
    if drawn < arch_share + whorl_share:
        return "whorl"
    return "left_loop" if rng.uniform() < 0.5 else "right_loop"


def draw_singularities(rng: np.random.Generator, pattern: Pattern) -> Singularities:
    """Draw the singular points of one finger of a class."""
    if pattern == "arch":
        return Singularities((), ())
    x, y = rng.uniform(-0.12, 0.12), rng.uniform(-0.15, 0.15)
    if pattern == "whorl":
        apart = rng.uniform(0.1, 0.32)
        lean = rng.uniform(-0.12, 0.12)
        cores = ((x - lean, y - apart / 2), (x + lean, y + apart / 2))
        left = (x - rng.uniform(0.6, 0.85), y + rng.uniform(0.5, 0.8))
        right = (x + rng.uniform(0.6, 0.85), y + rng.uniform(0.5, 0.8))
        return Singularities(cores, (left, right))
    side = 1 if pattern == "left_loop" else -1
    return Singularities(((x, y),), ((x + side * rng.uniform(0.3, 0.6), y + rng.uniform(0.65, 1.0)),))


def draw_orientation(
    rng: np.random.Generator, pattern: Pattern, points: Singularities, *, height: int, width: int
) -> FloatField:
    """Draw the orientation of the ridges at every pixel.

    Half the angles to the cores minus half the angles to the deltas (Sherlock and Monro, A model for
    interpreting fingerprint topology, 1993), each angle bent by a random periodic correction (Vizcaya and
    Gerhardt, A nonlinear orientation model for global description of fingerprints, 1996, who use a
    piecewise linear one), over an arch that turns the ridges down at the sides.

    Returns:
        (height, width) float32 angle of the ridge in rad, clockwise from the x axis on the screen, modulo pi.
    """
    half = width / 2
    x = np.broadcast_to((np.arange(width, dtype=np.float32)[None, :] + 0.5 - half) / half, (height, width))
    y = np.broadcast_to(
        (np.arange(height, dtype=np.float32)[:, None] + 0.5 - height / 2) / half, (height, width)
    )
    theta = _draw_arch(rng, x, y, pattern)
    for point in points.cores:
        theta = theta + 0.5 * _bend(rng, np.arctan2(y - point[1], x - point[0]))
    for point in points.deltas:
        theta = theta - 0.5 * _bend(rng, np.arctan2(y - point[1], x - point[0]))
    wander = rng.normal(0, 0.06, (4, 4)).astype(np.float32)
    return np.asarray(theta + cv2.resize(wander, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def _draw_arch(rng: np.random.Generator, x: FloatField, y: FloatField, pattern: Pattern) -> FloatField:
    """Draw the bow of the ridges over the finger's width, highest at the middle of its height for an arch."""
    if pattern == "arch":
        steepness = rng.uniform(0.7, 1.1) * np.exp(-(((y - rng.uniform(0.0, 0.25)) / 0.6) ** 2)) + 0.15
    else:
        steepness = rng.uniform(0.15, 0.35) + 0.0 * y
    return np.asarray(steepness * np.sin(0.5 * np.pi * np.clip(1.2 * x, -1.5, 1.5)), np.float32)


def _bend(rng: np.random.Generator, angle: FloatField) -> FloatField:
    """Add a random smooth periodic correction, small enough to keep the angle growing."""
    first, second = rng.normal(0, 0.13, 2), rng.normal(0, 0.06, 2)
    bent = angle + first[0] * np.sin(angle) + first[1] * (np.cos(angle) - 1)
    return np.asarray(bent + second[0] * np.sin(2 * angle) + second[1] * (np.cos(2 * angle) - 1), np.float32)
