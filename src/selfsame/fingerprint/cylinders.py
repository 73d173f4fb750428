"""The surroundings of every minutia as a cylinder of cells that does not depend on place and rotation."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from selfsame.fingerprint.comparison_settings import CylinderSettings
from selfsame.fingerprint.minutiae import Minutiae

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Cylinders:
    """The cylinders of the minutiae of one print.

    Attributes:
        cells: (n, places, sections) float32 fill of the cells, 0..1, 0 where not valid.
        valid: (n, places) bool: the places that lie on the print.
        usable: (n,) bool: enough valid places and neighbours.
    """

    cells: FloatArray
    valid: NDArray[np.bool_]
    usable: NDArray[np.bool_]


def list_places(settings: CylinderSettings) -> FloatArray:
    """List the middles of the cells of a disk: (places, 2) px at 500 dpi, x along the minutia's direction."""
    step = 2 * settings.radius_px / settings.cells
    line = (np.arange(settings.cells) + 0.5) * step - settings.radius_px
    x, y = np.meshgrid(line, line)
    inside = np.hypot(x, y) <= settings.radius_px
    return np.stack([x[inside], y[inside]], axis=1).astype(np.float32)


def build_cylinders(found: Minutiae, settings: CylinderSettings) -> Cylinders:
    """Build the cylinder of each minutia.

    A neighbour fills the cells near its place (Gaussian of the distance) whose height is near the difference
    of directions (Gaussian, integrated over the section); a sigmoid limits the fill.

    Source: Cappelli, Ferrara and Maltoni, Minutia Cylinder-Code: a new representation and matching technique
    for fingerprint recognition (2010).
    """
    places = list_places(settings)
    count = found.x.size
    cosine, sine = np.cos(found.direction_rad), np.sin(found.direction_rad)
    x = (found.x[:, None] + cosine[:, None] * places[:, 0] - sine[:, None] * places[:, 1]).astype(np.float32)
    y = (found.y[:, None] + sine[:, None] * places[:, 0] + cosine[:, None] * places[:, 1]).astype(np.float32)
    valid = _lie_in_hull(found, x, y, settings.hull_px)
    apart = np.hypot(x[:, :, None] - found.x, y[:, :, None] - found.y)
    near = np.exp(-(apart**2) / (2 * settings.sigma_px**2)) / (settings.sigma_px * np.sqrt(2 * np.pi))
    near *= (apart <= 3 * settings.sigma_px) & ~np.eye(count, dtype=bool)[:, None, :]
    turned = found.direction_rad[:, None] - found.direction_rad
    section = 2 * np.pi / settings.sections
    heights = -np.pi + (np.arange(settings.sections) + 0.5) * section
    off = np.angle(np.exp(1j * (heights[:, None, None] - turned)))
    share = ndtr((off + section / 2) / settings.sigma_rad) - ndtr((off - section / 2) / settings.sigma_rad)
    summed = np.matmul(near, share.transpose(1, 2, 0))
    cells = 1 / (1 + np.exp(-settings.sigmoid_slope * (summed - settings.sigmoid_centre)))
    cells *= valid[:, :, None]
    between = np.hypot(found.x[:, None] - found.x, found.y[:, None] - found.y)
    neighbours = (between <= settings.radius_px + 3 * settings.sigma_px).sum(axis=1) - 1
    usable = (valid.mean(axis=1) >= settings.least_valid_share) & (neighbours >= settings.least_neighbours)
    return Cylinders(cells.astype(np.float32), valid, usable)


def _lie_in_hull(found: Minutiae, x: FloatArray, y: FloatArray, hull_px: float) -> NDArray[np.bool_]:
    """Tell the places inside the convex hull of the minutiae, widened by `hull_px`."""
    if found.x.size < 3:
        return np.zeros(x.shape, bool)
    hull = cv2.convexHull(np.stack([found.x, found.y], axis=1))[:, 0]
    edges = np.roll(hull, -1, axis=0) - hull
    squared = np.maximum((edges**2).sum(axis=1), 1e-6)
    from_x, from_y = x[..., None] - hull[:, 0], y[..., None] - hull[:, 1]
    along = np.clip((from_x * edges[:, 0] + from_y * edges[:, 1]) / squared, 0, 1)
    apart = np.hypot(from_x - along * edges[:, 0], from_y - along * edges[:, 1]).min(axis=-1)
    side = edges[:, 0] * from_y - edges[:, 1] * from_x
    inside = (side >= 0).all(axis=-1) | (side <= 0).all(axis=-1)
    return np.asarray(inside | (apart <= hull_px), bool)
