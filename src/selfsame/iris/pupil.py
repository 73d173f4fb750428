"""Find the pupil: a dark disc, whatever shines in it and whatever lashes hang over it.

1. Highlights are closed by a grey opening (they are bright and smaller than a pupil).
2. Gradients vote for circles on a small copy (`candidates`).
3. To each of the best a circle is fitted roughly (`circle_fits`). The darker it is against its surround, and
   on the more rays, the better it is; mostly one stands out, and only those near it are fitted finely.
4. The best of both fits is the pupil. It is fitted once more, on more rays, without those that a lid may cut.
"""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.errors import CaptureError
from selfsame.iris.candidates import propose_pupils
from selfsame.iris.circle_fits import fit_circles, plan_fit
from selfsame.iris.geometry import Circle
from selfsame.iris.rays import lay_rays, unit_circle

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

# Shares of the image's shorter side.
RADIUS_RANGE = (0.033, 0.25)
HIGHLIGHT_SHARE = 0.05
SEARCH_RAYS, RAYS = 36, 72
# How far from a circle's radius its edge is looked for, as a share of it, each time, and on how many points.
ROUGH_SPREAD, ROUGH_POINTS = 0.35, 25
FINE_SPREAD, FINE_POINTS = 0.25, 41
# The search leaves rays out in fewer steps than the last fit.
SEARCH_NARROWING = (2.0, 1.0)
# A disc at least so good, compared with the best, is its rival: it is fitted finely as well.
RIVAL_SCORE = 0.15
# Rays that point up more steeply than this often end in a lid, whose edge is a rise too: the others decide.
LID_DEGREES = 45.0
# A circle that the lower rays move further than this, as a share of its radius, is kept as it was.
MAX_CHANGE = 0.2
MIN_AGREEMENT = 0.5
# Grey levels between the inside of the pupil and the ring around it; sensor noise is a part of it.
MIN_CONTRAST = 6.0
# A pupil is flat: the range of grey inside it as a share of its contrast.
MAX_UNEVENNESS = 0.7
# A rival inside the best one, between these shares of its radius, is the pupil: a limbus is round too. A
# larger one is the same disc found twice.
NESTED_RADII = (0.2, 0.9)


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
    plan = plan_fit(SEARCH_RAYS, ROUGH_SPREAD, ROUGH_POINTS, narrowing=SEARCH_NARROWING, rough=True)
    circles, agreeing = fit_circles(image, circles, plan)
    score = _rate(circles, agreeing, _contrast(image, circles), low, high)
    rivals = score >= score.max() * (RIVAL_SCORE if score.max() > 0 else 1)
    circles, rough = circles[rivals], score[rivals]
    plan = plan_fit(SEARCH_RAYS, FINE_SPREAD, FINE_POINTS, narrowing=SEARCH_NARROWING)
    circles, agreeing = fit_circles(image, circles, plan)
    contrast, agreement = _contrast(image, circles), np.count_nonzero(agreeing, axis=1) / SEARCH_RAYS
    score = _rate(circles, agreeing, contrast, low, high) + rough
    score[(agreement < MIN_AGREEMENT) | (contrast < MIN_CONTRAST)] = -np.inf
    if score.max() == -np.inf:
        best = int((agreement * contrast).argmax())
        raise CaptureError(
            "no_pupil",
            f"expected a flat dark disc, {MIN_CONTRAST:.0f} levels below its surround on {MIN_AGREEMENT:.0%}"
            f" of the rays, got {contrast[best]:.0f} levels on {agreement[best]:.0%}:"
            " is this a near-infrared image of one open eye?",
        )
    x, y, radius = _leave_lid(image, circles[_innermost(circles, score)]).tolist()
    return Circle(x, y, radius)


def _rate(circles: Floats, agreeing: Flags, contrast: Floats, low: float, high: float) -> Floats:
    """Return how good each circle is, (c,): contrast times the squared agreement of rays that no lid cuts."""
    agreement = agreeing @ _clear_shares(SEARCH_RAYS)
    sane = (circles[:, 2] >= low) & (circles[:, 2] <= high)
    return np.where(sane, agreement**2 * contrast, -np.inf)


@cache
def _lid_rays(rays: int) -> Flags:
    """Return which rays a lid may cut, (rays,)."""
    return unit_circle(rays)[1] <= -np.sin(np.deg2rad(LID_DEGREES))


@cache
def _clear_shares(rays: int) -> Floats:
    """Return the share of each ray among those that no lid cuts, (rays,)."""
    clear = ~_lid_rays(rays)
    return clear.astype(np.float32) / np.float32(np.count_nonzero(clear))


def _leave_lid(image: NDArray[np.uint8], circle: Floats) -> Floats:
    """Fit a circle, (3,) x, y, radius, once more without the rays that a lid may cut."""
    plan = plan_fit(RAYS, MAX_CHANGE, FINE_POINTS, without=_lid_rays)
    fitted, agreeing = fit_circles(image, circle[None], plan)
    moved = float(np.abs(fitted[0] - circle).max())
    lost = np.count_nonzero(agreeing) < MIN_AGREEMENT * agreeing.size
    return circle if lost or moved > MAX_CHANGE * circle[2] else fitted[0]


def _innermost(circles: Floats, score: Floats) -> int:
    """Return the best circle, or a smaller one inside it that is not much worse."""
    best = int(score.argmax())
    if len(circles) == 1:
        return best
    apart = np.hypot(circles[:, 0] - circles[best, 0], circles[:, 1] - circles[best, 1])
    share = circles[:, 2] / circles[best, 2]
    nested = (apart + circles[:, 2] < circles[best, 2]) & (score > RIVAL_SCORE * score[best])
    nested &= (share > NESTED_RADII[0]) & (share < NESTED_RADII[1])
    return int(np.where(nested, score, -np.inf).argmax()) if nested.any() else best


def _contrast(image: NDArray[np.uint8], circles: Floats) -> Floats:
    """Return by how many grey levels the ring around each circle is brighter than the disc, (c,).

    Lower quartile of the ring minus upper quartile of the disc, minus half the disc's own range:
    a disc that is dark on one side only, or is a ring around a darker disc, gets little. One that is not flat
    gets 0.
    """
    points = lay_rays(SEARCH_RAYS, (0.2, 0.4, 0.6, 0.8, 1.2, 1.3))
    levels = points.read(image, circles).reshape(len(circles), SEARCH_RAYS, 6).astype(np.float32)
    inside = np.sort(levels[:, :, :4].reshape(len(circles), -1), axis=1)
    ring = np.sort(levels[:, :, 4] + levels[:, :, 5], axis=1)[:, SEARCH_RAYS // 4] / 2
    low, high = inside[:, inside.shape[1] // 10], inside[:, 3 * inside.shape[1] // 4]
    contrast = ring - high - 0.5 * (high - low)
    return np.where(high - low <= MAX_UNEVENNESS * contrast, contrast, 0.0)
