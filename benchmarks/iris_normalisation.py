"""Normalise every iris below a folder: how many succeed, what it costs, what circles come out.

python benchmarks/iris_normalisation.py --captures ROOT [--output figures.json] [--sheet eyes.png]

An iris is an image in a folder named left or right. The cost is CPU time of one thread; decoding and resizing
to the strip's size, timed in the same run and in turn with it, is what it is compared with. The sheet shows
eyes with their circles drawn: it is biometric data, for your own eyes.
"""

import argparse
import json
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.errors import CaptureError
from selfsame.imaging.decoding import decode_grey
from selfsame.imaging.normalised import Normalised
from selfsame.imaging.resizing import resize
from selfsame.iris.normalisation import normalise_iris

Grey = NDArray[np.uint8]

SUFFIXES = {".bmp", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".pgm"}
MAX_PIXELS = 50_000_000
THUMB_HEIGHT_PX, THUMB_WIDTH_PX, THUMBS_PER_ROW = 120, 160, 15


def main() -> None:
    arguments = parse_arguments()
    paths = find_irises(arguments.captures)
    if not paths:
        raise SystemExit(
            f"expected images in folders named left or right below {arguments.captures}, found none"
        )
    cv2.setNumThreads(1)
    contents = [path.read_bytes() for path in paths]
    plain_ms: list[float] = []
    full_ms: list[float] = []
    results: list[Normalised | CaptureError] = []
    normalise(contents[0], arguments.height, arguments.width)
    for data in contents:
        started = time.process_time()
        resize(decode_grey(data, max_pixels=MAX_PIXELS), arguments.height, arguments.width)
        between = time.process_time()
        results.append(normalise(data, arguments.height, arguments.width))
        plain_ms.append((between - started) * 1e3)
        full_ms.append((time.process_time() - between) * 1e3)
    figures = summarise(results, plain_ms, full_ms)
    report(figures)
    if arguments.output:
        arguments.output.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n")
    if arguments.sheet:
        draw_sheet(contents, results, arguments.sheet)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--captures", type=Path, required=True, help="folder with the irises")
    parser.add_argument("--height", type=int, default=64, help="rows of the strip")
    parser.add_argument("--width", type=int, default=512, help="columns of the strip")
    parser.add_argument("--output", type=Path, help="where to write the figures as JSON")
    parser.add_argument("--sheet", type=Path, help="where to write a contact sheet (PNG)")
    return parser.parse_args()


def find_irises(root: Path) -> list[Path]:
    """Return the images below the root whose folder is named left or right."""
    return sorted(
        path
        for path in root.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.parent.name.lower() in {"left", "right"}
    )


def normalise(data: bytes, height: int, width: int) -> Normalised | CaptureError:
    """Decode and unwrap one iris; a refusal is a result too."""
    try:
        return normalise_iris(decode_grey(data, max_pixels=MAX_PIXELS), height=height, width=width)
    except CaptureError as error:
        return error


def summarise(
    results: list[Normalised | CaptureError], plain_ms: list[float], full_ms: list[float]
) -> dict[str, object]:
    """Return the figures by name."""
    done = [result.measures for result in results if isinstance(result, Normalised)]
    failures = Counter(result.reason for result in results if isinstance(result, CaptureError))
    names = ("pupil_radius", "limbus_radius", "dilation", "visible_share")
    quantiles = {
        name: np.quantile([one[name] for one in done], (0, 0.05, 0.5, 0.95, 1)) for name in names if done
    }
    return {
        "irises": len(results),
        "succeeded": len(done),
        "success_share": len(done) / len(results),
        "failures": dict(sorted(failures.items())),
        "normalise_ms": {"mean": float(np.mean(full_ms)), "median": float(np.median(full_ms))},
        "decode_resize_ms": {"mean": float(np.mean(plain_ms)), "median": float(np.median(plain_ms))},
        "cost_ratio": float(np.median(full_ms) / np.median(plain_ms)),
        "quantiles": {
            name: [round(float(value), 3) for value in values] for name, values in quantiles.items()
        },
    }


def report(figures: dict[str, object]) -> None:
    """Print the figures as one table."""
    for name, value in figures.items():
        if isinstance(value, dict):
            print(f"{name:<18}" + ("none" if not value else ""))
            for key, inner in value.items():
                print(f"  {key:<16}{inner if not isinstance(inner, float) else round(inner, 3)}")
        else:
            print(f"{name:<18}{value if not isinstance(value, float) else round(value, 4)}")


def draw_sheet(contents: list[bytes], results: list[Normalised | CaptureError], path: Path) -> None:
    """Write all eyes as thumbnails, the circles drawn where they were found."""
    thumbs = [draw_circles(data, result) for data, result in zip(contents, results, strict=True)]
    blank = np.zeros((THUMB_HEIGHT_PX, THUMB_WIDTH_PX, 3), np.uint8)
    thumbs += [blank] * (-len(thumbs) % THUMBS_PER_ROW)
    rows = [np.hstack(thumbs[i : i + THUMBS_PER_ROW]) for i in range(0, len(thumbs), THUMBS_PER_ROW)]
    cv2.imwrite(str(path), np.vstack(rows))


def draw_circles(data: bytes, result: Normalised | CaptureError) -> Grey:
    """Return one thumbnail; an eye that failed is framed."""
    image = cv2.cvtColor(decode_grey(data, max_pixels=MAX_PIXELS), cv2.COLOR_GRAY2BGR)
    if isinstance(result, Normalised):
        for name in ("pupil", "limbus"):
            x, y, radius = (round(result.measures[f"{name}_{part}"]) for part in ("x", "y", "radius"))
            cv2.circle(image, (x, y), radius, (0, 255, 0), 1)
    else:
        cv2.rectangle(image, (2, 2), (image.shape[1] - 3, image.shape[0] - 3), (0, 0, 255), 5)
    thumb = cv2.resize(image, (THUMB_WIDTH_PX, THUMB_HEIGHT_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(thumb, dtype=np.uint8)


if __name__ == "__main__":
    main()
