"""What surrounds a procedural iris: lids, lashes and skin."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.sources.synthetic.eye_model import EyeModel
from selfsame.sources.synthetic.eye_pose import EyePose, Field, turn
from selfsame.sources.synthetic.iris import IrisMaster


@dataclass(frozen=True)
class Lids:
    """The eye's own coordinates of every pixel, (h, w) each, and the lids in them.

    Attributes:
        along: distance from the middle of the eye along its axis, in px.
        below: distance under the eye's axis, in px.
        upper: depth of a pixel under the upper lid's edge, in px; negative on the lid.
        lower: height of a pixel over the lower lid's edge, in px; negative on the lid.
    """

    along: Field
    below: Field
    upper: Field
    lower: Field


def close_lids(master: IrisMaster, pose: EyePose, model: EyeModel) -> Lids:
    """Place the lids of one capture."""
    x = np.arange(model.width_px, dtype=np.float32)[None, :] - pose.eye_x
    y = np.arange(model.height_px, dtype=np.float32)[:, None] - pose.eye_y
    along, below = turn(x, y, -pose.tilt_rad)
    radius = pose.limbus_radius_px
    upper = below + _raise_lid(master, along, pose.opening * radius, master.length * radius)
    lower = _raise_lid(master, along, pose.lower_opening * radius, master.length * radius) - below
    return Lids(along, below, upper, lower)


def render_skin(rng: np.random.Generator, master: IrisMaster, pose: EyePose, lids: Lids) -> Field:
    """Render skin with its folds, pores and uneven light."""
    radius = pose.limbus_radius_px
    shape = lids.along.shape
    place = np.abs(lids.along) / (master.length * radius)
    near = np.clip(4 * (1.05 - place), 0, 1)
    crease = lids.upper + (0.45 + 0.25 * place * place) * radius
    groove = lids.lower + 0.5 * radius
    skin = master.skin_level + 9 * draw_smooth_field(rng, shape, 4) + 4 * draw_smooth_field(rng, shape, 40)
    skin -= near * 30 * np.exp(-((crease / (0.07 * radius)) ** 2))
    skin -= near * 12 * np.exp(-((groove / (0.12 * radius)) ** 2))
    skin -= near * 30 * np.exp(-np.abs(lids.upper) / (0.08 * radius))
    shine = draw_smooth_field(rng, shape, 60)
    return skin + 25 * np.clip(shine - 1.2, 0, 1.5)


def draw_lashes(rng: np.random.Generator, master: IrisMaster, pose: EyePose, model: EyeModel) -> Field:
    """Draw the lashes of both lids, (h, w) float32 of 0 to 1."""
    canvas = np.zeros((model.height_px, model.width_px), np.uint8)
    _draw_row(rng, canvas, master, pose, int(rng.poisson(model.lashes)), -1)
    _draw_row(rng, canvas, master, pose, int(rng.poisson(model.lashes / 2)), 1)
    return canvas.astype(np.float32) / 255


def draw_smooth_field(rng: np.random.Generator, shape: tuple[int, ...], cells: int) -> Field:
    """Draw smooth noise, (h, w) float32, of about unit deviation and `cells` bumps along a side."""
    height, width = shape
    coarse = rng.standard_normal((cells, max(2, round(cells * width / height))), dtype=np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def _raise_lid(master: IrisMaster, along: Field, height_px: float, length_px: float) -> Field:
    """Find how high a lid's edge is over the eye's axis, in px; 0 at the corners, negative outside."""
    place = np.clip(along / length_px, -1, 1)
    place = place - master.skew * (1 - place * place)
    return height_px * (1 - np.abs(place) ** np.float32(2.2)) - np.maximum(np.abs(along) - length_px, 0)


def _draw_row(
    rng: np.random.Generator,
    canvas: NDArray[np.uint8],
    master: IrisMaster,
    pose: EyePose,
    count: int,
    side: int,
) -> None:
    """Draw the lashes of the upper (side -1) or the lower lid (side 1) on the canvas, in place.

    A lash is a parabola that leaves the lid's edge outwards, away from the middle of the eye, and curls up.
    """
    if count == 0:
        return
    radius = pose.limbus_radius_px
    opening = pose.opening if side < 0 else pose.lower_opening
    length = master.length * radius
    roots = length * rng.uniform(-0.92, 0.92, count)
    starts = side * _raise_lid(master, roots, opening * radius, length)
    reach = radius * rng.uniform(0.25, 0.6, count) * (1.0 if side < 0 else 0.6)
    lift, curl = (master.lash_lift, 0.35) if side < 0 else (-0.8, 0.1)
    across = reach * (0.9 * roots / length + rng.normal(0, 0.2, count))
    fall = -reach * (lift + rng.normal(0, 0.2, count))
    step = np.linspace(0, 1, 6)[:, None]
    x, y = turn(roots + across * step, starts + fall * step - curl * reach * step**2, pose.tilt_rad)
    points = np.stack([x + pose.eye_x, y + pose.eye_y], axis=-1).transpose(1, 0, 2)
    fixed = np.round(16 * points).astype(np.int32)
    thick = max(1, round(radius / 45))
    root_parts, tip_parts = np.ascontiguousarray(fixed[:, :4]), np.ascontiguousarray(fixed[:, 3:])
    cv2.polylines(canvas, list(root_parts), False, 200, thick, cv2.LINE_AA, 4)
    cv2.polylines(canvas, list(tip_parts), False, 150, max(1, thick - 1), cv2.LINE_AA, 4)
