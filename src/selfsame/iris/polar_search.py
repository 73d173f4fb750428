"""Where circles about a pupil cross the rays from its centre: tables that are made once.

Rays are divided at equal steps of the logarithm of the distance. A circle of radius R with its centre at
R (x, y) crosses the ray of angle t at R (along + sqrt(1 - aside²)), along = x cos t + y sin t and
aside = x sin t - y cos t: a number of steps from R that depends on (x, y) only.
"""

from dataclasses import dataclass
from functools import cache

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.iris.rays import Points

Floats = NDArray[np.float32]

# Pupil radius over limbus radius; ISO/IEC 29794-6 puts usable eyes between 0.2 and 0.7.
DILATION_RANGE = (0.16, 0.8)
# Most eyes under near-infrared light have dilations about 0.42, half or double of it is rare: a mild prior,
# so that neither the collarette nor the lids win over a pale limbus.
USUAL_DILATION = 0.42
DILATION_PENALTY = 0.5
# Pupil and limbus lie at one height (in open eyes to a fortieth of the radius), but not straight above each
# other. Where lids hide the top and the bottom, only this keeps the circle from sliding up or down.
ASIDE_PENALTY, HEIGHT_PENALTY = 2.0, 20.0
RAYS_PER_SIDE = 24
# Degrees above (negative) and below the horizontal that a lateral arc reaches: the upper lid covers more.
ARC_DEGREES = (-35.0, 50.0)
# A ray counts by this power of the cosine of its angle: the steeper it is, the oftener it ends in a lid,
# whose edge is a rise too.
LATERAL_POWER = 4
MAX_OFFSET_SHARE = 0.16
# Step of radii and of offsets, as a share of the radius: half a pixel at a radius of 56.
STEP = 0.009
# Distances start at this many radii of the pupil.
NEAREST = 1.15
# Steps of the coarse search, and of the finer ones that go two of them to each side.
COARSE_OFFSET, COARSE_RADIUS = 6, 4
# Distances over which the coarse search means the rise, so that no circle falls between its steps.
COARSE_BLUR = 5
# So many circles of the coarse search are followed, whose radii lie so many of its steps apart.
STARTS, APART = 2, 3
REACH = 18
# A circle off the centre by that much crosses some rays so many steps further out; and room for a difference.
BEYOND = 22


@dataclass(frozen=True, eq=False)
class Grid:
    """The tables.

    Attributes:
        points: (distances, rays): where the rays are read, in radii of the pupil.
        weight: (rays,) how much each counts, 1 in all.
        shift: (offsets y, offsets x, rays) intp: places in the flat rise from a circle's radius to its crossing.
        penalty: (offsets y, offsets x) for the centre's distance from the pupil's.
        unusual: (radii,) penalty for the dilation.
        room: (offsets y, offsets x): least radius index at which the circle holds the pupil.
        radii: (places,) in the flat rise, of a circle's radius.
        coarse: (radii, offsets, rays / 2) intp: places in the flat rise of the coarse search.
        offsets: (offsets, 2) intp: row and column in `shift` of those.
        coarse_penalty: (radii, offsets).
        coarse_weight: (rays / 2,).
    """

    points: Points
    weight: Floats
    shift: NDArray[np.intp]
    penalty: Floats
    unusual: Floats
    room: NDArray[np.intp]
    radii: NDArray[np.intp]
    coarse: NDArray[np.intp]
    offsets: NDArray[np.intp]
    coarse_penalty: Floats
    coarse_weight: Floats

    def points_to(self, high: float) -> Points:
        """Return the points that circles up to this radius, in radii of the pupil, may cross."""
        rows = min(max(_place(high), _FIRST), _LAST) + BEYOND
        return Points(self.points.x[:rows], self.points.y[:rows])

    def search(self, rise: Floats, low: float, high: float) -> tuple[float, float, float, Floats]:
        """Find the circle with the largest mean rise; a centre far from the pupil's pays for it.

        Args:
            rise: (distances, rays) float32 between -1 and 1, 0 at the first and the last distance.
            low: least radius in radii of the pupil.
            high: greatest radius.

        Returns:
            x, y and radius in radii of the pupil, and the rise on every ray, (rays,).
        """
        flat = rise.ravel()
        starts = self._search_coarsely(rise, low, high)
        found = max(self._search_around(flat, start, COARSE_OFFSET // 2, 1) for start in starts)
        _, row, column, place = self._search_around(flat, found[1:], 1, 2)
        size = NEAREST * math.exp(place * STEP)
        across = flat.take(self.shift[row, column] + place * self.weight.size, mode="clip")
        return (column - REACH) * STEP * size, (row - REACH) * STEP * size, size, across

    def _search_coarsely(self, rise: Floats, low: float, high: float) -> list[tuple[int, int, int]]:
        """Return row, column and radius of the best circles, whose radii differ."""
        first, last = max(_place(low), _FIRST) - _FIRST, min(_place(high), _LAST) - _FIRST
        begin = first // COARSE_RADIUS
        radii = slice(begin, max(last // COARSE_RADIUS, begin + 1))
        smooth = np.asarray(cv2.blur(rise, (1, COARSE_BLUR)), np.float32).ravel()
        score = smooth.take(self.coarse[radii], mode="clip") @ self.coarse_weight
        score -= self.coarse_penalty[radii]
        starts = []
        for _ in range(STARTS):
            best, offset = divmod(int(score.argmax()), len(self.offsets))
            row, column = self.offsets[offset].tolist()
            starts.append((row, column, (begin + best) * COARSE_RADIUS + _FIRST))
            score[max(best - APART, 0) : best + APART + 1] = -np.inf
        return starts

    def _search_around(
        self, flat: Floats, start: tuple[int, int, int], step: int, steps: int
    ) -> tuple[float, int, int, int]:
        """Search so many steps to every side of a circle: the score, row, column and radius of the best."""
        reach = step * steps
        lowest = (0, 0, _FIRST)
        highest = (2 * REACH, 2 * REACH, _LAST)
        middle = (
            min(max(at, least + reach), most - reach)
            for at, least, most in zip(start, lowest, highest, strict=True)
        )
        rows, columns, radii = (slice(at - reach, at + reach + 1, step) for at in middle)
        places = self.shift[rows, columns, None] + self.radii[radii, None]
        score = flat.take(places, mode="clip") @ self.weight
        score -= self.penalty[rows, columns, None] + self.unusual[radii.start - _FIRST : radii.stop - _FIRST : step]
        if radii.start < self.room.max():
            score[self.room[rows, columns, None] > np.arange(radii.start, radii.stop, step)] = -np.inf
        best = int(score.argmax())
        i, j, k = best // score[0].size, best // score.shape[2] % score.shape[1], best % score.shape[2]
        row, column, radius = rows.start + i * step, columns.start + j * step, radii.start + k * step
        return float(score[i, j, k]), row, column, radius


def _place(size: float) -> int:
    """Return the place of a distance in radii of the pupil, on a ray."""
    return int(math.log(size / NEAREST) / STEP)


_FIRST = int(np.ceil(np.log(1 / DILATION_RANGE[1] / NEAREST) / STEP))
_LAST = int(np.log(1 / DILATION_RANGE[0] / NEAREST) / STEP)


@cache
def lay_grid() -> Grid:
    """Make the tables."""
    below = np.deg2rad(np.linspace(*ARC_DEGREES, RAYS_PER_SIDE))
    angle_rad = np.concatenate([below, np.pi - below])
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    n = cos.size
    distance = NEAREST * np.exp(np.arange(_LAST + BEYOND) * STEP)
    points = Points(np.outer(distance, cos).astype(np.float32), np.outer(distance, sin).astype(np.float32))
    lateral = np.abs(cos) ** LATERAL_POWER
    weight = (lateral / lateral.sum()).astype(np.float32)
    share = np.arange(-REACH, REACH + 1) * STEP
    y, x = share[:, None, None], share[:, None]
    along, aside = x * cos + y * sin, x * sin - y * cos
    steps = np.rint(np.log(along + np.sqrt(1 - aside**2)) / STEP).astype(np.intp)
    shift = steps * n + np.arange(n)
    apart = np.hypot(x, y)[:, :, 0]
    penalty = (ASIDE_PENALTY * x**2 + HEIGHT_PENALTY * y**2)[:, :, 0]
    penalty[apart > MAX_OFFSET_SHARE] = np.inf
    radii = np.arange(_FIRST, _LAST + 1)
    size = NEAREST * np.exp(radii * STEP)
    unusual = DILATION_PENALTY * np.log(1 / size / USUAL_DILATION) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.ceil(np.log(1.1 / np.maximum(1 - apart, 1e-3) / NEAREST) / STEP).astype(np.intp)
    some = np.arange(0, 2 * REACH + 1, COARSE_OFFSET)
    offsets = np.array([(i, j) for i in some for j in some if penalty[i, j] < np.inf])
    coarse_radii = radii[::COARSE_RADIUS]
    chosen = shift[offsets[:, 0], offsets[:, 1]][:, ::2]
    coarse = chosen + (coarse_radii * n)[:, None, None]
    coarse_penalty = penalty[offsets[:, 0], offsets[:, 1]] + unusual[::COARSE_RADIUS, None]
    coarse_penalty[room[offsets[:, 0], offsets[:, 1]] > coarse_radii[:, None]] = np.inf
    half = weight[::2] / weight[::2].sum()
    return Grid(
        points, weight, shift, penalty.astype(np.float32), unusual.astype(np.float32), room, np.arange(_LAST + 1) * n,
        np.ascontiguousarray(coarse), offsets, coarse_penalty.astype(np.float32), np.ascontiguousarray(half),
    )
