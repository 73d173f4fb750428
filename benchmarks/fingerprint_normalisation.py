"""Measure how many prints are normalised, and what one costs beside plain decoding and resizing.

Claim: decoding and normalising runs at no less than half the speed of the floor, which is OpenCV's decoding
to grey and resizing; decoding alone costs no more than OpenCV's.

    python benchmarks/fingerprint_normalisation.py --short
    python benchmarks/fingerprint_normalisation.py [--captures data/01_raw/captures] [--side 96]

Without captures (images in folders named fingerprint) prints are drawn: rings with a frame, as BMP files of
96x103 px. Times are of the processor, on one thread.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from rounds import Claim, conclude, cost_of, parser_of, run_rounds, speed_of
from selfsame.errors import CaptureError
from selfsame.fingerprint.normalisation import normalise_fingerprint
from selfsame.imaging.decoding import decode_grey
from selfsame.imaging.resizing import resize

MAX_PIXELS = 50_000_000
HEIGHT_PX, WIDTH_PX, FRAME_PX = 103, 96, 2
AIM = 0.5
SUFFIXES = {".bmp", ".png", ".tif", ".tiff"}


def main() -> int:
    asked = parse_arguments()
    cv2.setNumThreads(1)
    prints = read_prints(asked.captures) if asked.captures else draw_prints(60 if asked.short else 450)
    outcomes = [name_outcome(data, asked.side) for data in prints]
    good = [data for data, outcome in zip(prints, outcomes, strict=True) if outcome == "ok"]
    designs = {name: partial(run_all, step, good) for name, step in list_steps(asked.side).items()}
    rounds = run_rounds(designs, asked.rounds)
    table = {
        name: {
            "ms a print": cost_of(rounds, name, "processor_s").median / len(good) * 1e3,
            "of the floor": str(speed_of(rounds, name, "floor", "processor_s")),
        }
        for name in designs
    }
    print(f"{len(prints)} prints: {dict(Counter(outcomes))}")
    speed = speed_of(rounds, "decode, normalise", "floor", "processor_s")
    decoding = speed_of(rounds, "decode", "OpenCV decodes", "processor_s")
    claims = [
        Claim(f"normalising runs at {AIM:g} of the floor", speed, speed.median >= AIM),
        Claim("decoding is as fast as OpenCV's", decoding, decoding.median >= 1),
    ]
    return conclude("fingerprint normalisation", table, claims, asked)


def parse_arguments() -> argparse.Namespace:
    parser = parser_of(__doc__, rounds=15)
    parser.add_argument("--captures", type=Path, help="folder of captures")
    parser.add_argument("--side", type=int, default=96, help="side of the normalised print in px")
    asked = parser.parse_args()
    if asked.short:
        asked.rounds = min(asked.rounds, 5)
    return asked


def read_prints(root: Path) -> list[bytes]:
    """Read the images below the root whose folder is named fingerprint."""
    files = (path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES)
    found = sorted(path for path in files if path.parent.name.lower() == "fingerprint")
    if not found:
        raise SystemExit(f"expected prints under a folder named fingerprint in {root}, found none")
    return [path.read_bytes() for path in found]


def draw_prints(count: int) -> list[bytes]:
    """Draw rings of a ridge's period about a point of each print, with a dark frame, as colour BMP files."""
    prints = []
    y, x = np.mgrid[:HEIGHT_PX, :WIDTH_PX]
    for i in range(count):
        rng = np.random.default_rng(i)
        core_x, core_y = rng.uniform(30, 66), rng.uniform(30, 70)
        ridges = 128 + 110 * np.cos(np.hypot(x - core_x, y - core_y) * 2 * np.pi / rng.uniform(3.6, 5))
        inside = np.hypot((x - 48) / 40, (y - 52) / 46) < 1
        grey = np.where(inside, ridges, 255) + rng.normal(0, 6, ridges.shape)
        framed = np.zeros(grey.shape, np.uint8)
        inner = (slice(FRAME_PX, -FRAME_PX), slice(FRAME_PX, -FRAME_PX))
        framed[inner] = np.clip(grey, 0, 255).astype(np.uint8)[inner]
        prints.append(cv2.imencode(".bmp", cv2.cvtColor(framed, cv2.COLOR_GRAY2BGR))[1].tobytes())
    return prints


def name_outcome(data: bytes, side: int) -> str:
    """Return why a print is refused, or ok."""
    try:
        normalise_fingerprint(decode_grey(data, max_pixels=MAX_PIXELS), height=side, width=side)
    except CaptureError as error:
        return error.reason
    return "ok"


def list_steps(side: int) -> dict[str, Callable[[bytes], object]]:
    """Return what is timed, by name."""

    def decode_by_opencv(data: bytes) -> np.ndarray:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)

    def decode(data: bytes) -> np.ndarray:
        return decode_grey(data, max_pixels=MAX_PIXELS)

    return {
        "floor": lambda data: cv2.resize(decode_by_opencv(data), (side, side)),
        "OpenCV decodes": decode_by_opencv,
        "decode": decode,
        "decode, resize": lambda data: resize(decode(data), side, side),
        "decode, normalise": lambda data: normalise_fingerprint(decode(data), height=side, width=side),
    }


def run_all(step: Callable[[bytes], object], prints: Sequence[bytes]) -> None:
    """Do one step with every print."""
    for data in prints:
        step(data)


if __name__ == "__main__":
    sys.exit(main())
