"""Where circles about a pupil cross the rays from its centre: tables made once, and the search by them.

Rays are divided at equal steps of the logarithm of the distance. A circle of radius R with its centre at
R (x, y) crosses the ray of angle t at R (along + sqrt(1 - aside²)), along = x cos t + y sin t and
aside = x sin t - y cos t: a number of steps from R that depends on (x, y) only.
"""

import math
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.iris.rays import Points

Floats = NDArray[np.float32]
Places = NDArray[np.intp]

# Pupil radius over limbus radius; ISO/IEC 29794-6 puts usable eyes between 0.2 and 0.7.
DILATION_RANGE = (0.16, 0.8)
# Most eyes under near-infrared light have dilations about 0.42, half or double of it is rare: a mild prior,
# so that neither the collarette nor the lids win over a pale limbus.
USUAL_DILATION = 0.42
DILATION_PENALTY = 0.5
# The difference is taken over a share of the distance, so that far out the broad edges of skin folds rise as
# much as a limbus: beyond this many radii of the pupil a rise counts less, by this power of the distance.
FADING_FROM, FADING_POWER = 2.6, 0.5
# Pupil and limbus lie at one height (in open eyes to a fortieth of the radius), but not straight above each
# other. Where lids hide the top and the bottom, only this keeps the circle from sliding up or down.
ASIDE_PENALTY, HEIGHT_PENALTY = 2.0, 20.0
MAX_OFFSET_SHARE = 0.16
# A limbus is at least so many times as far from the pupil's centre as the pupil reaches.
ROOM = 1.1
RAYS_PER_SIDE = 24
# Degrees above (negative) and below the horizontal that a lateral arc reaches: the upper lid covers more.
ARC_DEGREES = (-35.0, 50.0)
# A ray counts by this power of the cosine of its angle: the steeper it is, the oftener it ends in a lid,
# whose edge is a rise too.
LATERAL_POWER = 4
# A ray is flat up to so many degrees: steeper ones end in lids, whose rise is greater than the limbus's.
FLAT_DEGREES = 30.0
# Step of radii and of offsets, as a share of the radius: half a pixel at a radius of 56.
STEP = 0.009
# Offsets go so many steps to every side.
REACH = 18
# Rays begin at so many radii of the pupil, and go so many steps beyond the largest limbus: one that is not
# concentric crosses some rays further out.
NEAREST, BEYOND = 1.15, 22
# Steps of the coarse search. It looks at every second ray, where the rise is meant over so many distances, so
# that no circle falls between its steps.
COARSE_OFFSET, COARSE_RADIUS, COARSE_BLUR = 6, 4, 5
# It passes over centres that pay more than this: the finer search nearly reaches them from their neighbours.
COARSE_PENALTY = 0.2
# So many of its circles are followed, whose radii lie more than so many of its steps apart.
STARTS, APART = 2, 3


def place_of(size: float) -> int:
    """Return the place on a ray of a distance in radii of the pupil."""
    return int(math.log(size / NEAREST) / STEP)


FIRST, LAST = place_of(1 / DILATION_RANGE[1]) + 1, place_of(1 / DILATION_RANGE[0])


@dataclass(frozen=True, eq=False)
class Grid:
    """The tables. Places are indices of the rise on all rays as a flat array, a row a distance.

    Attributes:
        points: (distances, rays) where the rays are read.
        weight: (rays,) float32, how much each counts, 1 in all.
        flat_rays: which rays are flat.
        shift: (offsets y, offsets x, rays) places from a circle's radius to where it crosses.
        radii: (distances,) places of the radii.
        fading: (distances,) float32, how much a rise at a radius counts.
        cost: (offsets y, offsets x, distances) float32, what a circle pays: for the distance of its centre
            from the pupil's and for its dilation, and without end where it does not hold the pupil.
        offsets: (coarse offsets, 2) rows and columns of the tables above that the coarse search looks at.
        coarse: (coarse radii, coarse offsets, rays / 2) places where those circles cross.
        coarse_weight: (rays / 2,) float32.
        coarse_cost: (coarse radii, coarse offsets) float32.
    """

    points: Points
    weight: Floats
    flat_rays: Places
    shift: Places
    radii: Places
    fading: Floats
    cost: Floats
    offsets: Places
    coarse: Places
    coarse_weight: Floats
    coarse_cost: Floats

    def points_to(self, high: float) -> Points:
        """Return the points that circles up to this radius, in radii of the pupil, may cross."""
        rows = min(max(place_of(high), FIRST), LAST) + BEYOND
        return Points(self.points.x[:rows], self.points.y[:rows])

    def search(self, rise: Floats, low: float, high: float) -> tuple[float, float, float, Floats]:
        """Find the circle with the largest mean rise; one that is unlikely pays for it.

        Args:
            rise: (distances, rays) float32 between -1 and 1, 0 at the first and the last distance.
            low: least radius in radii of the pupil.
            high: greatest radius.

        Returns:
            x, y and radius in radii of the pupil, and the greatest rise on every ray within a step of the
            circle, (rays,).
        """
        flat = rise.ravel()
        starts = self._search_coarsely(rise, place_of(low), place_of(high))
        found = max(self._search_around(flat, start, COARSE_OFFSET // 2, 1) for start in starts)
        _, row, column, radius = self._search_around(flat, found[1:], 1, 2)
        size = NEAREST * math.exp(radius * STEP)
        near = self.radii[radius - 1 : radius + 2, None] + self.shift[row, column]
        across = np.asarray(flat.take(near, mode="clip").max(axis=0), np.float32)
        return (column - REACH) * STEP * size, (row - REACH) * STEP * size, size, across

    def _search_coarsely(self, rise: Floats, low: int, high: int) -> list[tuple[int, int, int]]:
        """Return row, column and radius of the best circles, whose radii differ."""
        begin, end = (max(place - FIRST, 0) // COARSE_RADIUS for place in (low, high))
        radii = slice(begin, max(end, begin + 1))
        smooth = np.asarray(cv2.blur(rise, (1, COARSE_BLUR)), np.float32).ravel()
        score = smooth.take(self.coarse[radii], mode="clip") @ self.coarse_weight
        score *= self.fading[FIRST + COARSE_RADIUS * begin :: COARSE_RADIUS][: len(score), None]
        score -= self.coarse_cost[radii]
        starts = []
        for _ in range(STARTS):
            best, offset = divmod(int(score.argmax()), len(self.offsets))
            row, column = self.offsets[offset].tolist()
            starts.append((row, column, (begin + best) * COARSE_RADIUS + FIRST))
            score[max(best - APART, 0) : best + APART + 1] = -np.inf
        return starts

    def _search_around(
        self, flat: Floats, start: tuple[int, int, int], step: int, steps: int
    ) -> tuple[float, int, int, int]:
        """Search so many steps to every side of a circle: the score, row, column and radius of the best."""
        reach = step * steps
        ends = ((0, 2 * REACH), (0, 2 * REACH), (FIRST, LAST))
        middle = (min(max(at, a + reach), b - reach) for at, (a, b) in zip(start, ends, strict=True))
        rows, columns, radii = (slice(at - reach, at + reach + 1, step) for at in middle)
        places = self.shift[rows, columns, None] + self.radii[radii, None]
        score = flat.take(places, mode="clip") @ self.weight
        score *= self.fading[radii]
        score -= self.cost[rows, columns, radii]
        centre, k = divmod(int(score.argmax()), score.shape[2])
        i, j = divmod(centre, score.shape[1])
        row, column, radius = rows.start + i * step, columns.start + j * step, radii.start + k * step
        return float(score[i, j, k]), row, column, radius


@cache
def lay_grid() -> Grid:
    """Make the tables."""
    below = np.deg2rad(np.linspace(*ARC_DEGREES, RAYS_PER_SIDE))
    angle_rad = np.concatenate([below, np.pi - below])
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    lateral = np.abs(cos) ** LATERAL_POWER
    weight = (lateral / lateral.sum()).astype(np.float32)
    distance = NEAREST * np.exp(np.arange(LAST + BEYOND) * STEP)
    radii = np.arange(distance.size) * cos.size
    share = np.arange(-REACH, REACH + 1) * STEP
    shift = _shift(share[:, None, None], share[:, None], cos, sin)
    apart = np.hypot(share[:, None], share)
    away = ASIDE_PENALTY * share**2 + HEIGHT_PENALTY * share[:, None] ** 2
    away[apart > MAX_OFFSET_SHARE] = np.inf
    cost = away[:, :, None] + DILATION_PENALTY * np.log(1 / distance / USUAL_DILATION) ** 2
    cost[distance * (1 - apart[:, :, None]) < ROOM] = np.inf
    rows, columns = np.mgrid[: share.size : COARSE_OFFSET, : share.size : COARSE_OFFSET].reshape(2, -1)
    near = away[rows, columns] < COARSE_PENALTY
    rows, columns, some = rows[near], columns[near], np.arange(FIRST, LAST + 1, COARSE_RADIUS)
    return Grid(
        points=Points(*(np.outer(distance, wave).astype(np.float32) for wave in (cos, sin))),
        weight=weight,
        flat_rays=np.flatnonzero(np.abs(sin) < np.sin(np.deg2rad(FLAT_DEGREES))),
        shift=shift,
        radii=radii,
        fading=(np.minimum(1, FADING_FROM / distance) ** FADING_POWER).astype(np.float32),
        cost=cost.astype(np.float32),
        offsets=np.stack([rows, columns], axis=1),
        coarse=shift[rows, columns][:, ::2] + radii[some, None, None],
        coarse_weight=weight[::2] / weight[::2].sum(),
        coarse_cost=np.ascontiguousarray(cost[rows, columns][:, some].T, dtype=np.float32),
    )


def _shift(
    y: NDArray[np.floating], x: NDArray[np.floating], cos: NDArray[np.float64], sin: NDArray[np.float64]
) -> Places:
    """Return the places from the radius of circles, centred at (x, y) of it, to where they cross the rays."""
    along, aside = x * cos + y * sin, x * sin - y * cos
    steps = np.rint(np.log(along + np.sqrt(1 - aside**2)) / STEP).astype(np.intp)
    return np.asarray(steps * cos.size + np.arange(cos.size), np.intp)
