"""A second impression of a finger, made from the first by a documented model."""

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.fingerprint.distortion_model import DistortionModel
from selfsame.fingerprint.frame import find_window

FloatField = NDArray[np.float32]

MAX_SPREAD = 2.5
"""Normal draws are cut at so many standard deviations: no impression is beyond use."""

PRESSURE_REACH_SHARE = 0.005
"""Of the shorter side: how far full pressure swells a ridge (1 px on a small sensor, 2 px at 388x374)."""

EDGE_WAVE_SHARE, EDGE_SOFTNESS_SHARE = 0.04, 0.02
"""Of the shorter side: how far the contact's edge wavers, and how softly it ends."""

PRINTED_INK = 30.0
"""Grey levels under the ground from which a pixel counts as print."""

DRY_REACH_SHARE, MAX_DRY_SHARE = 0.12, 0.4
"""Size of a dry blotch, of the shorter side, and the largest share of the area that can be dry."""

SCRATCH_WIDTH_SHARE = 0.01
"""Of the shorter side: width of a scratch."""


def distort_fingerprint(
    image: NDArray[np.uint8], rng: np.random.Generator, *, model: DistortionModel
) -> NDArray[np.uint8]:
    """Make a synthetic second impression of a print.

    In order: pressure swells or thins the ridges; the finger is placed, turned and its skin stretched
    (a smooth random displacement in the place of the plastic distortion of Cappelli, Maio and Maltoni,
    Modelling plastic distortion in fingerprint images, 2001); dry skin and scratches fade ridges; the border
    of the contact cuts a part off; the sensor adds noise. The stages follow Cappelli, SFinGe (2004).
    What is uncovered takes the level of the print's ground; the sensor's frame stays where it is.

    Args:
        image: (height, width) uint8, dark ridges on a lighter ground.
        rng: the only source of randomness: the same state gives the same impression.
        model: the strengths.

    Returns:
        (height, width) uint8.
    """
    window = find_window(image)
    inner = image[window]
    if min(inner.shape) == 0:
        return image.copy()
    ground = float(np.percentile(inner, 95))
    ink = ground - inner.astype(np.float32)
    ink = _press(ink, _draw_normal(rng) * model.pressure)
    ink = _displace(ink, rng, model)
    ink *= _draw_contact(ink, rng, model)
    ink *= _draw_dryness(ink.shape, rng, model)
    _scratch(ink, rng, model)
    ink *= 1 + model.noise_share * rng.standard_normal(ink.shape, dtype=np.float32)
    result = image.copy()
    result[window] = np.clip(np.rint(ground - ink), 0, 255).astype(np.uint8)
    return result


def _draw_normal(rng: np.random.Generator) -> float:
    """Draw from a standard normal distribution cut at MAX_SPREAD."""
    return float(np.clip(rng.standard_normal(), -MAX_SPREAD, MAX_SPREAD))


def _draw_field(shape: tuple[int, int], reach_px: float, rng: np.random.Generator) -> FloatField:
    """Draw a smooth random field of mean square 1, alike over `reach_px`."""
    rows = max(2, round(shape[0] / reach_px) + 1)
    columns = max(2, round(shape[1] / reach_px) + 1)
    grid = rng.standard_normal((rows, columns), dtype=np.float32)
    field = cv2.resize(grid, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(field * np.float32(np.sqrt(field.size) / (cv2.norm(field) + 1e-6)), np.float32)


def _press(ink: FloatField, pressure: float) -> FloatField:
    """Swell (over 0) or thin (under 0) the ridges by blending with the grey dilation or erosion."""
    reach = max(1, round(min(ink.shape) * PRESSURE_REACH_SHARE))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    swollen = cv2.dilate(ink, kernel) if pressure > 0 else cv2.erode(ink, kernel)
    share = min(abs(pressure), 1.0)
    return np.asarray(cv2.addWeighted(ink, 1 - share, swollen, share, 0), np.float32)


def _displace(ink: FloatField, rng: np.random.Generator, model: DistortionModel) -> FloatField:
    """Place, turn and stretch the print in one resampling."""
    height, width = ink.shape
    side = min(height, width)
    angle_rad = np.deg2rad(_draw_normal(rng) * model.rotation_deg)
    shift_x, shift_y = (_draw_normal(rng) * model.translation_share * side for _ in range(2))
    reach_px = max(model.elastic_reach_share * side, 2.0)
    stretch_x, stretch_y = (
        _draw_field((height, width), reach_px, rng) * (model.elastic_share * side / np.sqrt(2))
        for _ in range(2)
    )
    x = np.arange(width, dtype=np.float32)[None, :] - np.float32((width - 1) / 2 + shift_x)
    y = np.arange(height, dtype=np.float32)[:, None] - np.float32((height - 1) / 2 + shift_y)
    cosine, sine = np.float32(np.cos(angle_rad)), np.float32(np.sin(angle_rad))
    from_x = cosine * x + sine * y + np.float32((width - 1) / 2) + stretch_x
    from_y = -sine * x + cosine * y + np.float32((height - 1) / 2) + stretch_y
    moved = cv2.remap(ink, from_x.astype(np.float32), from_y.astype(np.float32), cv2.INTER_LINEAR)
    return np.asarray(moved, np.float32)


def _draw_contact(ink: FloatField, rng: np.random.Generator, model: DistortionModel) -> FloatField:
    """Draw which part of the finger touches the sensor: 1 inside, 0 beyond one wavy edge."""
    height, width = ink.shape
    side = min(height, width)
    share = rng.uniform(0, 1) * model.crop_share
    angle_rad = rng.uniform(0, 2 * np.pi)
    wave = _draw_field((height, width), side / 3, rng) * np.float32(side * EDGE_WAVE_SHARE)
    x = np.arange(width, dtype=np.float32)[None, :]
    y = np.arange(height, dtype=np.float32)[:, None]
    along = np.float32(np.cos(angle_rad)) * x + np.float32(np.sin(angle_rad)) * y + wave
    printed = along[::2, ::2][ink[::2, ::2] > PRINTED_INK]
    if share == 0 or printed.size == 0:
        return np.ones_like(ink)
    edge = np.float32(np.quantile(printed, 1 - share))
    return np.clip((edge - along) / np.float32(max(side * EDGE_SOFTNESS_SHARE, 1)) + 1, 0, 1).astype(
        np.float32
    )


def _draw_dryness(shape: tuple[int, int], rng: np.random.Generator, model: DistortionModel) -> FloatField:
    """Draw what dry skin leaves of the ink, 0..1: blotches that fade over a random share of the area."""
    share = min(rng.exponential() * model.dry_share, MAX_DRY_SHARE)
    field = _draw_field(shape, max(min(shape) * DRY_REACH_SHARE, 2.0), rng)
    depth = rng.uniform(0.4, 0.9)
    if share == 0:
        return np.ones(shape, np.float32)
    edge = np.float32(np.quantile(field[::4, ::4], 1 - share))
    return (1 - np.float32(depth) * np.clip((field - edge) / np.float32(0.5), 0, 1)).astype(np.float32)


def _scratch(ink: FloatField, rng: np.random.Generator, model: DistortionModel) -> None:
    """Take the ink away along thin bent lines, in place."""
    height, width = ink.shape
    side = min(height, width)
    lines = np.zeros((height, width), np.uint8)
    for _ in range(rng.poisson(model.scratches)):
        start = rng.uniform((0.15 * width, 0.15 * height), (0.85 * width, 0.85 * height))
        angle_rad, bend_rad = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.4)
        length = rng.uniform(0.1, 0.4) * side
        middle = start + 0.5 * length * np.array([np.cos(angle_rad), np.sin(angle_rad)])
        end = middle + 0.5 * length * np.array([np.cos(angle_rad + bend_rad), np.sin(angle_rad + bend_rad)])
        points = np.rint(np.stack([start, middle, end]) * 16).astype(np.int32)
        thickness = max(1, round(side * SCRATCH_WIDTH_SHARE))
        cv2.polylines(lines, [points], False, 255, thickness, cv2.LINE_AA, shift=4)
    ink *= 1 - lines.astype(np.float32) / 255
