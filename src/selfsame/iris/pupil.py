"""Find the pupil: a dark disc, whatever shines in it and whatever lashes hang over it.

1. Highlights are closed by a grey opening (they are bright and smaller than a pupil).
2. Gradients vote for circles on a small copy (`candidates`).
3. Around the best of them a circle is fitted to the steepest rise of grey along each ray, again and again,
   leaving out the rays that disagree (an iterated form of Daugman's integro-differential operator, "High
   confidence visual recognition of persons by a test of statistical independence", 1993): all candidates
   together on few rays, then the best on many.
4. The candidate that is darkest against its surround, on most rays, is the pupil.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.errors import CaptureError
from selfsame.iris.candidates import propose_pupils
from selfsame.iris.geometry import Circle
from selfsame.iris.rays import Points, lay_rays, unit_circle

Floats = NDArray[np.float32]

# Shares of the image's shorter side.
RADIUS_RANGE = (0.033, 0.25)
HIGHLIGHT_SHARE = 0.05
COARSE_RAYS, RAYS = 36, 72
# How far from a candidate's radius its edge is looked for, as a share of it, each time.
COARSE_SPREADS, SPREADS = (0.35, 0.3), (0.25, 0.2, 0.2)
# So many candidates go on to the fine search.
KEPT = 4
# Rays that point up more steeply than this often end in a lid, whose edge is a rise too: the others decide.
LID_DEGREES = 45.0
# A circle that the lower rays move further than this, as a share of its radius, is kept as it was.
MAX_CHANGE = 0.2
# A ray agrees with the circle when its edge lies within this share of the radius (and 1.5 px at least).
AGREEMENT_SHARE, AGREEMENT_PX = 0.07, 1.5
MIN_AGREEMENT = 0.5
# Grey levels between the inside of the pupil and the ring around it; sensor noise is a part of it.
MIN_CONTRAST = 6.0
# A pupil is flat: the range of grey inside it as a share of its contrast.
MAX_UNEVENNESS = 0.7


def close_highlights(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Replace bright spots that are smaller than a twentieth of the image by their surround.

    Args:
        image: (h, w) uint8.

    Returns:
        (h, w) uint8.
    """
    side = 2 * round(HIGHLIGHT_SHARE * min(image.shape) / 2) + 1
    opened = cv2.morphologyEx(image, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    return np.asarray(opened, dtype=np.uint8)


def locate_pupil(image: NDArray[np.uint8]) -> Circle:
    """Find the pupil's circle to a fraction of a pixel.

    Args:
        image: (h, w) uint8 with highlights closed.

    Raises:
        CaptureError: `no_pupil` where no dark disc stands out.
    """
    low, high = (share * min(image.shape) for share in RADIUS_RANGE)
    circles = propose_pupils(image, low, high)
    for spread in COARSE_SPREADS:
        circles, agreement = _refine(image, circles, _plan(COARSE_RAYS, spread, 25, False))
    score = _rate(agreement, _contrast(image, circles), circles, low, high)
    circles = circles[np.argsort(-score)[:KEPT]]
    for spread in SPREADS:
        circles, agreement = _refine(image, circles, _plan(RAYS, spread, 41, False))
    contrast = _contrast(image, circles)
    score = _rate(agreement, contrast, circles, low, high)
    accepted = (score > -np.inf) & (agreement >= MIN_AGREEMENT) & (contrast >= MIN_CONTRAST)
    if not accepted.any():
        best = int(score.argmax())
        raise CaptureError(
            "no_pupil",
            f"expected a flat dark disc, {MIN_CONTRAST:.0f} levels below its surround on {MIN_AGREEMENT:.0%}"
            f" of the rays, got {contrast[best]:.0f} levels on {agreement[best]:.0%}:"
            " is this a near-infrared image of one open eye?",
        )
    x, y, radius = _leave_lid(image, circles[_innermost(circles, np.where(accepted, score, -np.inf))])
    return Circle(float(x), float(y), float(radius))


def _rate(agreement: Floats, contrast: Floats, circles: Floats, low: float, high: float) -> Floats:
    sane = (circles[:, 2] >= low) & (circles[:, 2] <= high)
    return np.where(sane, agreement**2 * contrast, -np.inf)


def _leave_lid(image: NDArray[np.uint8], circle: Floats) -> Floats:
    """Fit a circle, (3,) x, y, radius, once more without the rays that a lid may cut."""
    fitted = circle[None]
    for _ in range(2):
        fitted, agreement = _refine(image, fitted, _plan(RAYS, MAX_CHANGE, 41, True))
        moved = float(np.abs(fitted[0] - circle).max())
        if agreement[0] < MIN_AGREEMENT or moved > MAX_CHANGE * circle[2]:
            return circle
    return np.asarray(fitted[0])


def _innermost(circles: Floats, score: Floats) -> int:
    """Return the best candidate, or a smaller one inside it that is half as good: the limbus is round too."""
    best = int(score.argmax())
    apart = np.hypot(circles[:, 0] - circles[best, 0], circles[:, 1] - circles[best, 1])
    share = circles[:, 2] / circles[best, 2]
    nested = (apart + circles[:, 2] < circles[best, 2]) & (share > 0.2) & (share < 0.9)
    nested &= score > 0.33 * score[best]
    return int(np.where(nested, score, -np.inf).argmax()) if nested.any() else best


@dataclass(frozen=True, eq=False)
class _Plan:
    """Which points a fit looks at.

    Attributes:
        points: of the usable rays, a row a ray.
        first: share of the radius of the first point whose rise is known.
        step: share of the radius from one point to the next.
        waves: (3, rays) 1, cosine and sine of each ray.
        products: (rays, 9) the products of any two of them.
    """

    points: Points
    first: float
    step: float
    waves: Floats
    products: Floats
    tolerances: tuple[float, ...]


@cache
def _plan(rays: int, spread: float, samples: int, leave_lid: bool) -> _Plan:
    cos, sin = unit_circle(rays)
    usable = sin > -np.sin(np.deg2rad(LID_DEGREES)) if leave_lid else np.ones(rays, bool)
    shares = np.linspace(1 - spread, 1 + spread, samples)
    whole = lay_rays(rays, tuple(shares))
    waves = np.stack([np.ones_like(cos), cos, sin])[:, usable]
    products = (waves[:, None] * waves).reshape(9, -1).T
    return _Plan(
        Points(whole.x[usable], whole.y[usable]),
        float(shares[2]),
        float(shares[1] - shares[0]),
        np.ascontiguousarray(waves),
        np.ascontiguousarray(products),
        (2.5, 1.5, 1.0),
    )


NUDGE = np.float32(1e-4) * np.eye(3, dtype=np.float32)
KERNELS = {41: np.array([[-1, -1, -1, -1, 0, 1, 1, 1, 1]], np.float32) / 4, 25: np.array([[-1, -1, -1, 0, 1, 1, 1]], np.float32) / 3}

def _refine(image: NDArray[np.uint8], circles: Floats, plan: _Plan) -> tuple[Floats, Floats]:
    """Fit each circle anew to the steepest rise along its rays, leaving out the rays that disagree.

    Seen from near its centre, a circle's radius is a constant, a cosine and a sine of the angle: what is
    left of the square of the offset goes when the fit is repeated.

    Args:
        image: (h, w) uint8.
        circles: (c, 3) x, y, radius.
        plan: where to look.

    Returns:
        (c, 3) the new circles, and (c,) the share of the usable rays that agree with each.
    """
    levels = plan.points.read(image, circles)
    rise = cv2.filter2D(levels, cv2.CV_32F, KERNELS[levels.shape[1]], borderType=cv2.BORDER_REPLICATE)
    edge = rise[:, 2:-2].argmax(axis=1).reshape(len(circles), -1).astype(np.float32)
    edge *= np.float32(plan.step)
    edge += np.float32(plan.first)
    middle = np.sort(edge, axis=1)[:, edge.shape[1] // 2, None]
    keep = np.abs(edge - middle) <= 0.25
    least = AGREEMENT_PX / np.maximum(circles[:, 2:], 1)
    for tolerance in plan.tolerances:
        weight = keep.astype(np.float32)
        normal = (weight @ plan.products).reshape(-1, 3, 3)
        normal += NUDGE
        weight *= edge
        wave = np.linalg.solve(normal, (weight @ plan.waves.T)[:, :, None])[:, :, 0]
        miss = wave @ plan.waves
        miss -= edge
        keep = np.abs(miss, out=miss) <= tolerance * np.maximum(least, AGREEMENT_SHARE * wave[:, :1])
    fitted = np.empty_like(circles)
    fitted[:, :2] = circles[:, :2] + circles[:, 2:] * wave[:, 1:]
    fitted[:, 2] = circles[:, 2] * wave[:, 0]
    return fitted, keep.mean(axis=1)


def _contrast(image: NDArray[np.uint8], circles: Floats) -> Floats:
    """Return by how many grey levels the ring around each circle is brighter than the disc, (c,).

    Lower quartile of the ring minus upper quartile of the disc, minus half the disc's own range:
    a disc that is dark on one side only, or is a ring around a darker disc, gets little. One that is not flat
    gets 0.
    """
    points = lay_rays(COARSE_RAYS, (0.2, 0.4, 0.6, 0.8, 1.2, 1.3))
    levels = points.read(image, circles).reshape(len(circles), COARSE_RAYS, 6).astype(np.float32)
    inside = np.sort(levels[:, :, :4].reshape(len(circles), -1), axis=1)
    ring = np.sort(levels[:, :, 4] + levels[:, :, 5], axis=1)[:, COARSE_RAYS // 4] / 2
    low, high = inside[:, inside.shape[1] // 10], inside[:, 3 * inside.shape[1] // 4]
    contrast = ring - high - 0.5 * (high - low)
    return np.where(high - low <= MAX_UNEVENNESS * contrast, contrast, 0.0)
