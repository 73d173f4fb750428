"""Measure how many prints are normalised, and what one costs beside plain decoding and resizing.

Every print is timed four ways in turn, in shuffled order, several rounds: cv2 decoding to grey and resizing
(the floor), the package's decoding, its decoding and resizing, its decoding and normalisation. Times are
of the processor, on one thread; ratios are taken inside a round, and the median over the rounds is reported.

    python benchmarks/fingerprint_normalisation.py --captures data/01_raw/captures
"""

import argparse
import json
import platform
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.errors import CaptureError
from selfsame.fingerprint.normalisation import normalise_fingerprint
from selfsame.imaging.decoding import decode_grey
from selfsame.imaging.resizing import resize

MAX_PIXELS = 50_000_000
Step = Callable[[bytes], object]


def main() -> None:
    arguments = _parse()
    prints = [path.read_bytes() for path in _find_prints(arguments.captures)]
    if not prints:
        raise SystemExit(
            f"expected prints under a folder named fingerprint in {arguments.captures}, found none"
        )
    cv2.setNumThreads(1)
    side = arguments.side
    outcomes, measures = _normalise_all(prints, side)
    good = [data for data, outcome in zip(prints, outcomes, strict=True) if outcome == "ok"]
    rounds = _time_rounds(good, _list_steps(side), arguments.rounds)
    result = {
        "prints": len(prints),
        "success_share": len(good) / len(prints),
        "outcomes": dict(Counter(outcomes)),
        "ridge_coherence_percentiles_1_50_99": np.percentile(measures, [1, 50, 99]).round(3).tolist(),
        "side_px": side,
        "rounds": arguments.rounds,
        "ms_per_print": {name: round(float(np.median(times)), 4) for name, times in rounds.items()},
        "throughput_of_floor": {
            name: round(float(np.median(rounds["floor"] / times)), 3) for name, times in rounds.items()
        },
        "machine": {
            "processor": platform.machine(),
            "python": platform.python_version(),
            "opencv": cv2.__version__,
        },
    }
    text = json.dumps(result, indent=2)
    print(_tabulate(result["ms_per_print"], result["throughput_of_floor"]))
    print(text)
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(text + "\n")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--captures", type=Path, required=True, help="folder of captures")
    parser.add_argument("--output", type=Path, help="JSON file to write")
    parser.add_argument("--side", type=int, default=96, help="side of the normalised print in px")
    parser.add_argument("--rounds", type=int, default=15, help="interleaved repeats")
    return parser.parse_args()


def _find_prints(root: Path) -> list[Path]:
    suffixes = {".bmp", ".png", ".tif", ".tiff"}
    files = (path for path in root.rglob("*") if path.suffix.lower() in suffixes)
    return sorted(path for path in files if path.parent.name.lower() == "fingerprint")


def _normalise_all(prints: list[bytes], side: int) -> tuple[list[str], list[float]]:
    outcomes, measures = [], []
    for data in prints:
        try:
            found = normalise_fingerprint(decode_grey(data, max_pixels=MAX_PIXELS), height=side, width=side)
        except CaptureError as error:
            outcomes.append(error.reason)
        else:
            outcomes.append("ok")
            measures.append(found.measures["ridge_coherence"])
    return outcomes, measures


def _tabulate(ms: dict[str, float], shares: dict[str, float]) -> str:
    lines = ["| step | ms per print | throughput of the floor's |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {ms[name]:.4f} | {shares[name]:.2f} |" for name in ms), ""])


def _list_steps(side: int) -> dict[str, Step]:
    def floor(data: bytes) -> object:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
        return cv2.resize(image, (side, side))

    return {
        "floor": floor,
        "decode": lambda data: decode_grey(data, max_pixels=MAX_PIXELS),
        "decode_resize": lambda data: resize(decode_grey(data, max_pixels=MAX_PIXELS), side, side),
        "normalise": lambda data: normalise_fingerprint(
            decode_grey(data, max_pixels=MAX_PIXELS), height=side, width=side
        ),
    }


def _time_rounds(prints: list[bytes], steps: dict[str, Step], rounds: int) -> dict[str, NDArray[np.float64]]:
    """Time every step over all prints, in ms per print: one figure a round, after a round of warming up."""
    rng = np.random.default_rng(0)
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds + 1):
        for name in rng.permutation(list(steps)):
            started = time.process_time()
            for data in prints:
                steps[name](data)
            times[name].append((time.process_time() - started) / len(prints) * 1000)
    return {name: np.array(values[1:]) for name, values in times.items()}


if __name__ == "__main__":
    main()
