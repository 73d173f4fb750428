"""Grey levels at points around a circle: what every search here looks at.

Points are given in shares of the circle's radius. Their tables do not depend on the picture, so that each is
made once; a picture costs one call that reads it at all points of all circles.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.iris.geometry import Circle

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Points:
    """Points in shares of a circle's radius from its centre, (rows, columns) float32 each; y downwards."""

    x: Floats
    y: Floats

    def read(self, image: NDArray[np.uint8], circles: Floats) -> NDArray[np.uint8]:
        """Read the image bilinearly at the points of all circles; its border goes on outside.

        Args:
            image: (h, w) uint8.
            circles: (c, 3) float32 x, y, radius in px.

        Returns:
            (c * rows, columns) uint8 grey levels.
        """
        centre_x, centre_y, radius = circles.T[:, :, None, None]
        x, y = radius * self.x, radius * self.y
        x += centre_x
        y += centre_y
        shape = (-1, self.x.shape[1])
        levels = cv2.remap(
            image, x.reshape(shape), y.reshape(shape), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(levels, dtype=np.uint8)


def as_row(circle: Circle) -> Floats:
    """Return a circle as (1, 3) float32 x, y, radius."""
    return np.array([[circle.x, circle.y, circle.radius]], np.float32)


@cache
def unit_circle(rays: int) -> tuple[Floats, Floats]:
    """Return cosine and sine, (rays,) each, of angles that start at 3 o'clock and go clockwise as seen."""
    angle_rad = np.arange(rays) * (2 * np.pi / rays)
    return np.cos(angle_rad).astype(np.float32), np.sin(angle_rad).astype(np.float32)


@cache
def lay_rays(rays: int, shares: tuple[float, ...]) -> Points:
    """Lay points on rays, evenly spaced, the first at 3 o'clock, clockwise as seen: a row of points a ray."""
    cos, sin = unit_circle(rays)
    along = np.array(shares, np.float32)
    return Points(np.outer(cos, along), np.outer(sin, along))
