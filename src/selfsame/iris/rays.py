"""Grey levels along rays from a centre: what every circle search here looks at."""

import cv2
import numpy as np
from numpy.typing import NDArray


def unit_circle(rays: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return cosine and sine, (rays,) each, of angles that start at 3 o'clock and go clockwise as seen."""
    angle_rad = np.arange(rays) * (2 * np.pi / rays)
    return np.cos(angle_rad), np.sin(angle_rad)


def cast_rays(
    image: NDArray[np.uint8], circles: NDArray[np.float64], shares: NDArray[np.float64], rays: int
) -> NDArray[np.float32]:
    """Sample the image bilinearly on rays from the circles' centres; its border goes on outside.

    Args:
        image: (h, w) uint8.
        circles: (c, 3) x, y, radius.
        shares: (s,) distances from the centre as shares of each circle's radius.
        rays: how many, evenly spaced, the first at 3 o'clock, clockwise as seen.

    Returns:
        (c, rays, s) float32 grey levels.
    """
    cos, sin = unit_circle(rays)
    x = circles[:, 0, None, None] + circles[:, 2, None, None] * (cos[:, None] * shares)
    y = circles[:, 1, None, None] + circles[:, 2, None, None] * (sin[:, None] * shares)
    return sample(image, x, y)


def sample(image: NDArray[np.uint8], x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float32]:
    """Read the image bilinearly at points of any shape, as float32 levels; its border goes on outside."""
    flat_x, flat_y = (a.reshape(-1, a.shape[-1]).astype(np.float32) for a in (x, y))
    levels = cv2.remap(image, flat_x, flat_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return levels.reshape(x.shape).astype(np.float32)


def radial_rise(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how much the grey rises outwards at each sample: mean of 4 samples ahead minus 4 behind.

    Args:
        levels: (..., s) grey levels along rays.

    Returns:
        (..., s) float32; 0 at the ends, where there is no room for the difference.
    """
    kernel = np.array([[-1, -1, -1, -1, 0, 1, 1, 1, 1]], np.float32) / 4
    flat = levels.reshape(-1, levels.shape[-1])
    rise = cv2.filter2D(flat, cv2.CV_32F, kernel, borderType=cv2.BORDER_REPLICATE)
    rise[:, :2] = 0
    rise[:, -2:] = 0
    return np.asarray(rise, dtype=np.float32).reshape(levels.shape)
