"""Fit circles to the steepest rise of grey along rays from their centres, leaving out rays that disagree.

An iterated form of Daugman's integro-differential operator ("High confidence visual recognition of persons by
a test of statistical independence", 1993). Seen from near its centre, the distance to a circle is its radius
plus a cosine and a sine of the angle, with the offset of the centre as their amplitudes; what that leaves of
the offset's square goes when the fit is repeated. So a fit is a linear one with three unknowns, whose terms
are the same for all circles and are made once. All circles are fitted together.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.iris.rays import Points, lay_rays, unit_circle

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

# A ray agrees with the circle when its edge lies within this share of the radius (and 1.5 px at least).
AGREEMENT_SHARE, AGREEMENT_PX = 0.07, 1.5
# A fit first counts the rays within so many times that of the circle it begins with, then of those it found.
NARROWING: tuple[float, ...] = (2.5, 1.5, 1.0)
# A rough fit has none before it: it begins with the rays whose edges lie within this share of their median.
ROUGH_SHARE = 0.25
# A rise is the mean over the points ahead minus that over the points behind: over some tenth of the radius.
RISE_SHARE = 0.045
# Keeps the equations solvable where no ray is left: the radius is 0 then.
NUDGE = np.float32(1e-4) * np.eye(3, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class FitPlan:
    """Where a fit looks.

    Attributes:
        points: a row a ray.
        kernel: (1, n) float32 that takes the rise along a ray.
        first: distance of the first point whose rise is known, as a share of the radius.
        step: from one point to the next, as a share of the radius.
        waves: (3, rays) 1, cosine and sine of each ray.
        products: (rays, 9) the products of any two of them.
        rough: whether nothing is known of the circle but that it is there.
        narrowing: within how many times the agreement rays count, one time after the other.
    """

    points: Points
    kernel: Floats
    first: float
    step: float
    waves: Floats
    products: Floats
    rough: bool
    narrowing: tuple[float, ...]


@cache
def plan_fit(
    rays: int,
    spread: float,
    points: int,
    *,
    rough: bool = False,
    narrowing: tuple[float, ...] = NARROWING,
    without: Callable[[int], Flags] | None = None,
) -> FitPlan:
    """Plan a fit.

    Args:
        rays: how many, evenly spaced.
        spread: how far from the old radius edges are looked for, as a share of it.
        points: how many, on each ray.
        rough: whether the old circle may be far off.
        narrowing: within how many times the agreement rays count, one time after the other.
        without: tells which rays, (rays,), are not looked at.
    """
    used = slice(None) if without is None else ~without(rays)
    shares, step = np.linspace(1 - spread, 1 + spread, points, retstep=True)
    half = max(round(RISE_SHARE / float(step)), 3)
    side = np.full(half, 1 / half)
    laid = lay_rays(rays, tuple(shares))
    waves = np.stack([np.ones(rays, np.float32), *unit_circle(rays)])[:, used]
    return FitPlan(
        points=Points(laid.x[used], laid.y[used]),
        kernel=np.concatenate([-side, [0], side]).astype(np.float32)[None],
        first=float(shares[2]),
        step=float(step),
        waves=waves,
        products=np.ascontiguousarray((waves[:, None] * waves).reshape(9, -1).T),
        rough=rough,
        narrowing=narrowing,
    )


def fit_circles(image: NDArray[np.uint8], circles: Floats, plan: FitPlan) -> tuple[Floats, Flags]:
    """Fit each circle anew.

    Args:
        image: (h, w) uint8.
        circles: (c, 3) float32 x, y, radius in px.
        plan: where to look.

    Returns:
        (c, 3) the new circles, and (c, rays) which rays agree with each. A circle that no ray agrees with has
        radius 0.
    """
    edge = _find_edges(image, circles, plan)
    radius = circles[:, 2:]
    least = AGREEMENT_PX / np.maximum(radius, 1)
    near = np.maximum(least, AGREEMENT_SHARE)
    if plan.rough:
        middle = np.sort(edge, axis=1)[:, edge.shape[1] // 2, None]
        agreeing, narrowing = np.abs(edge - middle) <= ROUGH_SHARE, plan.narrowing
    else:
        agreeing, narrowing = np.abs(edge - 1) <= plan.narrowing[0] * near, plan.narrowing[1:]
    for tolerance in narrowing:
        wave = solve_waves(edge, agreeing, plan)
        miss = wave @ plan.waves
        miss -= edge
        agreeing = np.abs(miss, out=miss) <= tolerance * np.maximum(least, AGREEMENT_SHARE * wave[:, :1])
    fitted = circles.copy()
    fitted[:, :2] += radius * wave[:, 1:]
    fitted[:, 2:] *= wave[:, :1]
    return fitted, agreeing


def solve_waves(edge: Floats, counts: Flags, plan: FitPlan) -> Floats:
    """Return the radius and the cosine's and the sine's amplitude that fit the edges best, (c, 3).

    Args:
        edge: (c, rays) float32 distances.
        counts: (c, rays) which of them count.
        plan: gives the rays' angles.
    """
    weight = counts.astype(np.float32)
    normal = (weight @ plan.products).reshape(-1, 3, 3)
    normal += NUDGE
    weight *= edge
    right = (weight @ plan.waves.T)[:, :, None]
    # OpenCV solves three equations in closed form.
    solved = [cv2.solve(*equations)[1] for equations in zip(normal, right, strict=True)]
    return np.asarray(np.concatenate(solved, axis=1).T, np.float32)


def _find_edges(image: NDArray[np.uint8], circles: Floats, plan: FitPlan) -> Floats:
    """Return how far out the grey rises most on each ray, (c, rays) as a share of the circle's radius."""
    levels = plan.points.read(image, circles)
    rise = cv2.filter2D(levels, cv2.CV_32F, plan.kernel, borderType=cv2.BORDER_REPLICATE)
    steepest = rise[:, 2:-2].argmax(axis=1).astype(np.float32)
    steepest *= np.float32(plan.step)
    steepest += np.float32(plan.first)
    return np.asarray(steepest.reshape(len(circles), -1), np.float32)
