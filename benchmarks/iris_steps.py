"""Time the steps of unwrapping an iris, each within whole runs, so that they cost each other the caches.

    python benchmarks/iris_steps.py --short
    python benchmarks/iris_steps.py --captures ROOT

It claims nothing. The captures are images in folders PERSON/left and PERSON/right below the root; without
them eyes are drawn. A step's time is the mean over the eyes of its least in several visits, so that what
others do on the machine is left out. Time that passes, one thread; decoding is not counted.
"""

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np

from iris_normalisation import HEIGHT, MAX_PIXELS, WIDTH, Eyes, draw_eyes, find_irises
from rounds import Row, conclude, parser_of
from selfsame.errors import CaptureError
from selfsame.imaging.decoding import decode_grey
from selfsame.iris import normalisation, occlusion, pupil, segmentation

# The functions of each step, as their callers know them. One that is called by another counts for that one.
STEPS: dict[str, tuple[ModuleType, tuple[str, ...]]] = {
    "closing highlights": (segmentation, ("close_highlights",)),
    "pupil: votes and peaks": (pupil, ("propose_pupils",)),
    "pupil: rough and fine fit": (pupil, ("fit_circles",)),
    "pupil: rating, twice": (pupil, ("_rate", "_contrast")),
    "pupil: last fit": (pupil, ("_leave_lid",)),
    "limbus": (segmentation, ("locate_limbus",)),
    "lids": (occlusion, ("fit_lids",)),
    "lashes and highlights": (occlusion, ("_leave_outliers",)),
    "strip and mask": (normalisation, ("rubber_sheet", "unwrap", "unwrap_mask")),
}
WHOLE, REST = "whole", "all else"


class Clock:
    """Adds up the microseconds of each step of one eye."""

    def __init__(self) -> None:
        self.spent_us = dict.fromkeys(STEPS, 0.0)
        self._running = False

    def watch(self) -> None:
        """Put itself around the functions of all steps."""
        for step, (module, names) in STEPS.items():
            for name in names:
                setattr(module, name, self._time(step, getattr(module, name)))

    def _time(self, step: str, function: Callable[..., object]) -> Callable[..., object]:
        def timed(*arguments: object) -> object:
            if self._running:
                return function(*arguments)
            self._running, began = True, time.perf_counter()
            try:
                return function(*arguments)
            finally:
                self._running = False
                self.spent_us[step] += 1e6 * (time.perf_counter() - began)

        return timed

    def run(self, eye: np.ndarray) -> list[float]:
        """Normalise an eye and return what each step took, and then the whole."""
        self.spent_us = dict.fromkeys(STEPS, 0.0)
        began = time.perf_counter()
        with suppress(CaptureError):  # it took its time until then
            normalisation.normalise_iris(eye, height=HEIGHT, width=WIDTH)
        whole = 1e6 * (time.perf_counter() - began)
        return [*self.spent_us.values(), whole]


def main() -> int:
    parser = parser_of(__doc__, rounds=10)
    parser.add_argument("--captures", type=Path, help="folder with irises")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    table = tabulate(read_eyes(asked.captures) or draw_eyes(20 if asked.short else 200)[0], asked.rounds)
    return conclude("iris steps", table, [], asked)


def read_eyes(root: Path | None) -> Eyes:
    """Read all irises below the root, if there is one."""
    paths = find_irises(root) if root else []
    return [decode_grey(path.read_bytes(), max_pixels=MAX_PIXELS) for path in paths]


def tabulate(eyes: Eyes, rounds: int) -> dict[str, Row]:
    """Return the time of every step and of what is no step."""
    clock = Clock()
    clock.watch()
    spent = np.array([[clock.run(eye) for eye in eyes] for _ in range(rounds + 1)])[1:]
    found = dict(zip([*STEPS, WHOLE], spent.min(axis=0).mean(axis=0).tolist(), strict=True))
    found[REST] = found[WHOLE] - sum(found[step] for step in STEPS)
    return {step: {"us an eye": us, "share": us / found[WHOLE]} for step, us in found.items()}


if __name__ == "__main__":
    sys.exit(main())
