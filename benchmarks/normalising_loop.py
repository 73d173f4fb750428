r"""Normalise drawn eyes and prints again and again, for a profiler to look into.

It claims nothing. docs/flame_graph.svg was made with py-spy, which is no part of the environment:

    py-spy record --rate 400 --nolineno --output docs/flame_graph.svg -- \
        python benchmarks/normalising_loop.py --seconds 30
"""

import sys
import time
from functools import partial

import cv2

from made_up import make_eyes, make_prints
from rounds import Spread, conclude, parser_of, time_once
from selfsame.fingerprint.normalisation import normalise_fingerprint
from selfsame.imaging.decoding import decode_grey
from selfsame.iris.normalisation import normalise_iris

MAX_PIXELS = 25_000_000


def normalise_eyes(files: list[bytes]) -> None:
    for data in files:
        normalise_iris(decode_grey(data, max_pixels=MAX_PIXELS), height=48, width=256)


def normalise_prints(files: list[bytes]) -> None:
    for data in files:
        normalise_fingerprint(decode_grey(data, max_pixels=MAX_PIXELS), height=96, width=96)


def main() -> int:
    parser = parser_of(__doc__, rounds=1)
    parser.add_argument("--seconds", type=float, default=30.0)
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    eyes = [one.content for one in make_eyes(4, 2)]
    prints = [one.content for one in make_prints(4, 4)]
    designs = {"eyes": partial(normalise_eyes, eyes), "prints": partial(normalise_prints, prints)}
    counts = {"eyes": len(eyes), "prints": len(prints)}
    found: dict[str, list[float]] = {"eyes": [], "prints": []}
    ends = time.perf_counter() + (2.0 if asked.short else asked.seconds)
    while time.perf_counter() < ends:
        for name, design in designs.items():
            found[name].append(1000 * time_once(design).processor_s / counts[name])
    return conclude(
        "normalising_loop", {name: {"ms each": Spread.of(one)} for name, one in found.items()}, [], asked
    )


if __name__ == "__main__":
    sys.exit(main())
