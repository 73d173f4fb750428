"""Find the limbus: the circle where the iris ends in the sclera.

Daugman's integro-differential operator ("High confidence visual recognition of persons by a test of
statistical independence", 1993): over circles (x, y, r), the largest rise of grey across the arc. Only the
arcs beside the pupil count, because lids cover the others, and each ray's rise is clipped, so that a bright
skin fold does not outvote the sclera. The centre is free of the pupil's.

The picture is read once, on rays from the pupil's centre whose points lie at equal steps of the logarithm of
the distance. There a circle of twice the radius is the same circle some steps further out, so that where each
circle crosses the rays is a table that is made once (`polar_search`), and a search is reading the rise by it.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.errors import CaptureError
from selfsame.iris import polar_search
from selfsame.iris.geometry import Circle
from selfsame.iris.polar_search import RAYS_PER_SIDE
from selfsame.iris.rays import Points, as_row

Floats = NDArray[np.float32]

# The limbus as a share of the image's shorter side.
RADIUS_RANGE = (0.1, 0.52)
# A ray counts in full from the median of the flat rays' steepest rises on: a steeper one is skin or a
# highlight.
SATURATION = 1.0
# Points of a ray whose mean is taken on either side of a rise: a fortieth of the distance.
HALF = 3
OUTWARDS = np.concatenate([-np.ones(HALF), [0.0], np.ones(HALF)]).astype(np.float32) / HALF
# Neighbouring rays are meant.
ACROSS = np.full(3, 1 / 3, np.float32)
# What a limbus must show: grey levels of rise, and the share of rays that rise by a part of it, over both
# sides and on the weaker one.
MIN_RISE = 3.0
AGREEING_RISE = 0.3
MIN_AGREEMENT = 0.4
MIN_SIDE_AGREEMENT = 0.25


def locate_limbus(image: NDArray[np.uint8], pupil: Circle) -> Circle:
    """Find the limbus around a pupil to half a pixel.

    Args:
        image: (h, w) uint8 with highlights closed.
        pupil: in the image's pixels.

    Raises:
        CaptureError: `no_limbus` where the arcs beside the pupil show no common rise.
    """
    side = min(image.shape)
    grid = polar_search.lay_grid()
    low, high = (share * side / pupil.radius for share in RADIUS_RANGE)
    rise, scale = _measure_rise(image, pupil, grid.points_to(high), grid.flat_rays)
    x, y, radius, across = grid.search(rise, low, high)
    beside = 2 * (grid.weight * (across > AGREEING_RISE)).reshape(2, RAYS_PER_SIDE).sum(axis=1)
    agreement = float(beside[0] + beside[1]) / 2
    if scale < MIN_RISE or agreement < MIN_AGREEMENT or beside.min() < MIN_SIDE_AGREEMENT:
        raise CaptureError(
            "no_limbus",
            f"expected the grey to rise by {MIN_RISE} levels on {MIN_AGREEMENT} of the rays beside the pupil,"
            f" got {scale:.1f} levels on {agreement:.2f} of them: is the sclera in the picture?",
        )
    return Circle(pupil.x + x * pupil.radius, pupil.y + y * pupil.radius, radius * pupil.radius)


def _measure_rise(
    image: NDArray[np.uint8], pupil: Circle, points: Points, flat_rays: NDArray[np.intp]
) -> tuple[Floats, float]:
    """Read the rays and differentiate outwards.

    Returns:
        (distances, rays) float32 between -1 and 1, shares of a full rise, and the grey levels of that.
    """
    levels = points.read(image, as_row(pupil))
    rise = np.asarray(
        cv2.sepFilter2D(levels, cv2.CV_32F, ACROSS, OUTWARDS, borderType=cv2.BORDER_REPLICATE), np.float32
    )
    rise[:HALF] = 0
    rise[-1] = 0
    peaks = np.sort(rise.max(axis=0)[flat_rays])
    scale = max(SATURATION * float(peaks[peaks.size // 2]), 1.0)
    np.maximum(rise, -scale, out=rise)
    np.minimum(rise, scale, out=rise)
    rise *= np.float32(1 / scale)
    return rise, scale
