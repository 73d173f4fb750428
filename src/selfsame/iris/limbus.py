"""Find the limbus: the circle where the iris ends in the sclera.

Daugman's integro-differential operator ("High confidence visual recognition of persons by a test of
statistical independence", 1993): over circles (x, y, r), the largest rise of grey across the arc. It is
searched in the polar image about the pupil, coarse to fine; only the arcs beside the pupil count, because
lids cover the others, and each ray's rise is clipped, so that a bright skin fold does not outvote the sclera.
The centre is free of the pupil's.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.errors import CaptureError
from selfsame.iris.geometry import Circle
from selfsame.iris.rays import sample

# Pupil radius over limbus radius; ISO/IEC 29794-6 puts usable eyes between 0.2 and 0.7.
DILATION_RANGE = (0.16, 0.8)
# Most eyes under near-infrared light have dilations about 0.42, half or double of it is rare: a mild prior,
# so that neither the collarette nor the lids win over a pale limbus.
USUAL_DILATION = 0.42
DILATION_PENALTY = 0.5
# Pupil and limbus lie at one height (in open eyes to a fortieth of the radius), but not straight above each
# other. Where lids hide the top and the bottom, only this keeps the circle from sliding up or down.
ASIDE_PENALTY, HEIGHT_PENALTY = 2.0, 20.0
# The limbus as a share of the image's shorter side.
RADIUS_RANGE = (0.1, 0.52)
STEP_PX = 0.5
RAYS_PER_SIDE = 24
# Degrees above (negative) and below the horizontal that a lateral arc reaches: the upper lid covers more.
ARC_DEGREES = (-35.0, 50.0)
# A ray counts by this power of the cosine of its angle: the steeper it is, the oftener it ends in a lid,
# whose edge is a rise too.
LATERAL_POWER = 4
MAX_OFFSET_SHARE = 0.16
# A ray counts in full from the median of the steepest rises on: a steeper one is skin or a highlight.
SATURATION = 1.0
# What a limbus must show: grey levels of rise, and the share of rays that rise by a part of it, over both
# sides and on the weaker one.
MIN_RISE = 3.0
AGREEING_RISE = 0.3
MIN_AGREEMENT = 0.4
MIN_SIDE_AGREEMENT = 0.25


@dataclass(frozen=True)
class PolarRise:
    """How the grey rises outwards along lateral rays from the pupil's centre.

    Attributes:
        rise: (n, r) float32 between -1 and 1: shares of `scale`.
        cos: (n,) of the rays' angles.
        sin: (n,) of the rays' angles.
        scale: grey levels that count as a full rise.
    """

    rise: NDArray[np.float32]
    cos: NDArray[np.float64]
    sin: NDArray[np.float64]
    scale: float

    @property
    def weight(self) -> NDArray[np.float32]:
        """Return how much each ray counts, (n,), 1 in all."""
        lateral = np.abs(self.cos) ** LATERAL_POWER
        return np.asarray(lateral / lateral.sum(), dtype=np.float32)

    def thinned(self) -> "PolarRise":
        """Return every second ray: enough to find the neighbourhood."""
        return PolarRise(np.ascontiguousarray(self.rise[::2]), self.cos[::2], self.sin[::2], self.scale)

    def across(
        self, x: NDArray[np.float64], y: NDArray[np.float64], radius: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Return the rise on every ray across circles whose centres are (x, y) from the pupil's, (..., n)."""
        along = x[..., None] * self.cos + y[..., None] * self.sin
        aside = x[..., None] * self.sin - y[..., None] * self.cos
        distance = along + np.sqrt(np.maximum(radius[..., None] ** 2 - aside**2, 0.0))
        index = (distance / STEP_PX + 0.5).astype(np.int32)
        np.clip(index, 0, self.rise.shape[1] - 1, out=index)
        index += np.arange(self.cos.size, dtype=np.int32) * self.rise.shape[1]
        return self.rise.ravel().take(index)


def locate_limbus(image: NDArray[np.uint8], pupil: Circle) -> Circle:
    """Find the limbus around a pupil to half a pixel.

    Args:
        image: (h, w) uint8 with highlights closed.
        pupil: in the image's pixels.

    Raises:
        CaptureError: `no_limbus` where the arcs beside the pupil show no common rise.
    """
    side = min(image.shape)
    low = max(pupil.radius / DILATION_RANGE[1], RADIUS_RANGE[0] * side)
    high = min(pupil.radius / DILATION_RANGE[0], RADIUS_RANGE[1] * side)
    polar = _measure_rise(image, pupil, low, high)
    reach = MAX_OFFSET_SHARE * 2.2 * pupil.radius
    offsets = np.linspace(-reach, reach, 7)
    radii = np.arange(low, high, 2.0)
    best = _search(polar.thinned(), pupil, offsets, offsets, radii)
    for step in (2.0, 1.0, 0.5):
        near = np.linspace(-2, 2, 5) * step
        best = _search(polar, pupil, best[0] + near, best[1] + near, best[2] + near)
    x, y, radius = best
    rise = polar.across(np.array(x), np.array(y), np.array(radius))
    beside = 2 * (polar.weight * (rise > AGREEING_RISE)).reshape(2, RAYS_PER_SIDE).sum(axis=1)
    agreement = float(beside.mean())
    if polar.scale < MIN_RISE or agreement < MIN_AGREEMENT or beside.min() < MIN_SIDE_AGREEMENT:
        raise CaptureError(
            "no_limbus",
            f"expected the grey to rise by {MIN_RISE} levels on {MIN_AGREEMENT} of the rays beside the pupil,"
            f" got {polar.scale:.1f} levels on {agreement:.2f} of them: is the sclera in the picture?",
        )
    return Circle(pupil.x + x, pupil.y + y, radius)


def _measure_rise(image: NDArray[np.uint8], pupil: Circle, low: float, high: float) -> PolarRise:
    """Unwrap the surround of the pupil and differentiate it along the rays."""
    below = np.deg2rad(np.linspace(*ARC_DEGREES, RAYS_PER_SIDE))
    angle_rad = np.concatenate([below, np.pi - below])
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    margin = MAX_OFFSET_SHARE * 2.2 * pupil.radius + 4
    radii = np.arange(0, high + margin, STEP_PX)
    levels = sample(image, pupil.x + cos[:, None] * radii, pupil.y + sin[:, None] * radii)
    half = max(round(0.04 * low / STEP_PX), 3)
    kernel = np.concatenate([-np.ones(half), [0.0], np.ones(half)]).astype(np.float32)[None] / half
    rise = cv2.filter2D(levels, cv2.CV_32F, kernel, borderType=cv2.BORDER_REPLICATE)
    rise = cv2.blur(rise, (1, 3), borderType=cv2.BORDER_REPLICATE)
    first = int(1.15 * pupil.radius / STEP_PX) + half
    rise[:, :first] = 0
    peaks = rise[:, first:].max(axis=1)
    scale = max(SATURATION * float(np.median(peaks)), 1.0)
    return PolarRise(np.clip(rise / scale, -1, 1), cos, sin, scale)


def _search(
    polar: PolarRise,
    pupil: Circle,
    offset_x: NDArray[np.float64],
    offset_y: NDArray[np.float64],
    radii: NDArray[np.float64],
) -> tuple[float, float, float]:
    """Return the (x, y, radius) with the largest mean rise; a centre far from the pupil's pays for it."""
    y, x, radius = offset_y[:, None, None], offset_x[:, None], radii
    rise = polar.across(x, y, radius)
    apart = np.hypot(x, y)
    unusual = np.log(pupil.radius / radius / USUAL_DILATION)
    score = rise @ polar.weight - DILATION_PENALTY * unusual**2
    score -= ASIDE_PENALTY * (x / radius) ** 2 + HEIGHT_PENALTY * (y / radius) ** 2
    score[(apart + 1.1 * pupil.radius > radius) | (apart > MAX_OFFSET_SHARE * radius)] = -np.inf
    best = np.unravel_index(int(score.argmax()), score.shape)
    return float(offset_x[best[1]]), float(offset_y[best[0]]), float(radii[best[2]])
