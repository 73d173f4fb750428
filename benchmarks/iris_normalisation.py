"""Normalise irises with this version and with earlier ones, in turn: speed, circles, recognition.

Claims: at least 4 times as fast as the first version (see FIRST), faster than others, with as many eyes
found, circles as near to the true ones, and irises told apart as well.

    python benchmarks/iris_normalisation.py --short
    python benchmarks/iris_normalisation.py [--captures ROOT] [--against COMMIT ...] [--sheet eyes.png]

The eyes are drawn, with known circles; with captures (images in folders PERSON/left and PERSON/right below
ROOT) those are normalised, and the drawn ones only for their circles. An earlier version is taken out of the
git history and runs in a process of its own; without the history only this version runs. Seconds are the
processor's, of one thread; the floor is decoding by OpenCV and resizing to the strip's size. The sheet shows
the captures with their circles drawn: it is biometric data, for your own eyes.
"""

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from iris_comparison import ONE_EYE, SETTINGS, measure_recognition
from normalising_worker import NAMES
from rounds import Claim, Cost, Rounds, conclude, cost_of, parser_of, run_rounds, speed_of
from selfsame.imaging.decoding import decode_grey
from selfsame.sources.synthetic.eye import render_eye
from selfsame.sources.synthetic.eye_model import EyeModel
from selfsame.sources.synthetic.eye_pose import pose_eye
from selfsame.sources.synthetic.iris import synthesise_iris

Grey = NDArray[np.uint8]
Eyes = list[Grey]
Numbers = dict[str, float]

HERE = Path(__file__).resolve().parent
# The first version that was committed, and the first that found all of 450 real irises, which was faster.
FIRST, FIRST_COMPLETE = "bbc047f", "e0d2d55"
AIM = 4.0
THIS = "this version"
HEIGHT, WIDTH = 48, 256
SUFFIXES = {".bmp", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".pgm"}
MAX_PIXELS = 50_000_000
THUMB_HEIGHT_PX, THUMB_WIDTH_PX, THUMBS_PER_ROW = 120, 160, 15
# Two error rates of the same people differ by chance by about so much, in per cent.
ERROR_TOLERANCE = 0.15
CAMERA = EyeModel(
    height_px=240,
    width_px=320,
    limbus_share=0.22,
    limbus_spread=0.1,
    dilation_low=0.25,
    dilation_high=0.6,
    tilt_deg=3.0,
    gaze_share=0.06,
    placement_share=0.03,
    opening_low=0.7,
    opening_high=1.05,
    texture_levels=13.0,
    lashes=70,
    highlights=1.0,
    blur_px=1.1,
    noise_levels=2.5,
    exposure_spread=0.1,
)
# Narrow and unsharp, badly lit.
POOR_CAMERA = replace(
    CAMERA,
    opening_low=0.5,
    opening_high=0.9,
    highlights=3.0,
    blur_px=2.0,
    noise_levels=5.0,
    texture_levels=20.0,
)


@dataclass(frozen=True)
class Outcome:
    """What a version found: circles, (n, 6) with NaN for eyes it refused, and strips with masks."""

    circles: NDArray[np.float64]
    rows: Grey

    @property
    def found(self) -> int:
        """Count the eyes that were not refused."""
        return int(np.isfinite(self.circles[:, 0]).sum())


class Version:
    """A version of the package in a process of its own, to which the same eyes were given."""

    def __init__(self, source: Path, eyes: Eyes, folder: Path) -> None:
        folder.mkdir()
        np.savez(folder / "eyes.npz", *eyes)
        self._found, self._count = folder / "found.npz", len(eyes)
        call = f"serve({str(folder / 'eyes.npz')!r}, {str(self._found)!r}, {HEIGHT}, {WIDTH})"
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"from normalising_worker import serve; {call}"],
            env={"PYTHONPATH": os.pathsep.join([str(source), str(HERE)]), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Version":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self) -> Cost:
        """Normalise all eyes once."""
        began = time.perf_counter()
        if self._process.stdin is None or self._process.stdout is None:
            raise SystemExit("expected pipes to the worker, found none")
        self._process.stdin.write("again\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit("the worker ended: its error is above")
        return Cost(time.perf_counter() - began, float(answer))

    def outcome(self) -> Outcome:
        """Read what the last run found."""
        with np.load(self._found) as file:
            return Outcome(file["circles"], file["rows"])


def main() -> int:
    asked = parse_arguments()
    cv2.setNumThreads(1)
    count = 40 if asked.short else 400
    drawn, circles = draw_eyes(count)
    paths = find_irises(asked.captures) if asked.captures else []
    contents = [path.read_bytes() for path in paths] or [encode_bmp(eye) for eye in drawn]
    eyes = [decode_grey(data, max_pixels=MAX_PIXELS) for data in contents]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sources = {THIS: HERE.parent / "src"} | take_out(asked.against, folder)
        versions = {
            name: stack.enter_context(Version(source, eyes, folder / f"timed {name}"))
            for name, source in sources.items()
        }
        designs = {name: version.run for name, version in versions.items()}
        rounds = run_rounds(designs | {"floor": partial(decode_and_resize, contents)}, asked.rounds)
        outcomes = {name: version.outcome() for name, version in versions.items()}
        truths = outcomes if not paths else {}
        for name, source in sources.items() if paths else ():
            with Version(source, drawn, folder / f"drawn {name}") as version:
                version.run()
                truths[name] = version.outcome()
    errors = {name: measure_errors(outcome, circles) for name, outcome in truths.items()}
    rates = {name: recognise(outcome, paths) for name, outcome in outcomes.items()} if paths else {}
    table = tabulate(rounds, outcomes, errors, rates, len(eyes))
    if asked.sheet:
        draw_sheet(eyes, outcomes[THIS], asked.sheet)
    claims = judge(rounds, outcomes, errors, rates, asked.against)
    return conclude("iris normalisation", table, claims, asked)


def parse_arguments() -> argparse.Namespace:
    parser = parser_of(__doc__, rounds=7)
    parser.add_argument("--captures", type=Path, help="folder with irises")
    parser.add_argument(
        "--against", nargs="*", default=[FIRST, FIRST_COMPLETE], metavar="COMMIT", help="earlier versions"
    )
    parser.add_argument("--sheet", type=Path, help="where to write a contact sheet of the captures (PNG)")
    asked = parser.parse_args()
    if asked.short:
        asked.rounds = min(asked.rounds, 3)
    return asked


def draw_eyes(count: int) -> tuple[Eyes, NDArray[np.float64]]:
    """Draw eyes, every second one by the poor camera, and tell their circles, (n, 6)."""
    eyes, circles = [], []
    for i in range(count):
        rng, model = np.random.default_rng([11, i]), POOR_CAMERA if i % 2 else CAMERA
        master = synthesise_iris(rng, model, nose=1)
        pose = pose_eye(rng, master, model)
        eyes.append(render_eye(rng, master, pose, model))
        pupil = pose.pupil_x, pose.pupil_y, pose.pupil_radius_px
        circles.append([*pupil, pose.limbus_x, pose.limbus_y, pose.limbus_radius_px])
    return eyes, np.array(circles)


def encode_bmp(eye: Grey) -> bytes:
    """Return the eye as a colour BMP file, as sensors write it."""
    return bytes(cv2.imencode(".bmp", cv2.cvtColor(eye, cv2.COLOR_GRAY2BGR))[1].tobytes())


def find_irises(root: Path) -> list[Path]:
    """Return the images below the root whose folder is named left or right."""
    paths = (path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES)
    found = sorted(path for path in paths if path.parent.name.lower() in {"left", "right"})
    if not found:
        raise SystemExit(f"expected images in folders named left or right below {root}, found none")
    return found


def take_out(commits: Sequence[str], folder: Path) -> dict[str, Path]:
    """Take earlier versions of the package out of the git history; without it there are none."""
    sources = {}
    for commit in commits:
        archive = subprocess.run(
            ["git", "archive", commit, "src/selfsame"], cwd=HERE.parent, capture_output=True, check=False
        )
        if archive.returncode:
            reason = archive.stderr.decode(errors="replace").strip()
            print(
                f"{commit} is not compared: expected it in the git history (a clone of full depth): {reason}"
            )
            continue
        with tarfile.open(fileobj=BytesIO(archive.stdout)) as file:
            file.extractall(folder / f"source {commit}", filter="data")
        sources[commit] = folder / f"source {commit}" / "src"
    return sources


def decode_and_resize(contents: Sequence[bytes]) -> None:
    """Do what every preprocessing does at least."""
    for data in contents:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
        cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)


def measure_errors(outcome: Outcome, circles: NDArray[np.float64]) -> Numbers:
    """Return how far the circles are off, in per cent of the limbus's radius, at the median and at 95 %."""
    off = outcome.circles - circles
    kinds = {
        "pupil": np.maximum(np.hypot(off[:, 0], off[:, 1]), np.abs(off[:, 2])),
        "limbus": np.maximum(np.hypot(off[:, 3], off[:, 4]), np.abs(off[:, 5])),
    }
    shares = {name: 100 * error / circles[:, 5] for name, error in kinds.items()}
    found = np.isfinite(outcome.circles[:, 0])
    figures = {"drawn found": float(found.sum())}
    for name, share in shares.items():
        figures[f"{name} off, %"], figures[f"{name} off, 95th"] = np.quantile(share[found], (0.5, 0.95))
    return {name: float(value) for name, value in figures.items()}


def recognise(outcome: Outcome, paths: Sequence[Path]) -> Numbers:
    """Return the error rates of single eyes in per cent, all compared with all by the iris code."""
    people = np.array([path.parent.parent.name for path in paths])
    right = np.array([path.parent.name.lower() == "right" for path in paths])
    rates = measure_recognition(outcome.rows, people, right, SETTINGS)[ONE_EYE]
    return {"EER, %": rates["EER, %"], "FNMR at FMR 1e-3, %": rates["FNMR at 0.1 %"]}


def tabulate(
    rounds: Rounds,
    outcomes: Mapping[str, Outcome],
    errors: Mapping[str, Numbers],
    rates: Mapping[str, Numbers],
    eyes: int,
) -> dict[str, dict[str, float | int | str]]:
    """Return a row a version."""
    table: dict[str, dict[str, float | int | str]] = {}
    for name in [*outcomes, "floor"]:
        ms = cost_of(rounds, name, "processor_s").median / eyes * 1e3
        table[name] = {"ms an eye": ms, "of the floor": str(speed_of(rounds, name, "floor", "processor_s"))}
        if name in outcomes:
            table[name] |= {"found": outcomes[name].found, **errors[name], **rates.get(name, {})}
    return table


def judge(
    rounds: Rounds,
    outcomes: Mapping[str, Outcome],
    errors: Mapping[str, Numbers],
    rates: Mapping[str, Numbers],
    against: Sequence[str],
) -> list[Claim]:
    """Return what is claimed against each earlier version; the speed only against the first."""
    claims = []
    for name in (one for one in against if one in outcomes):
        speed = speed_of(rounds, THIS, name, "processor_s")
        if name == FIRST:
            claims.append(Claim(f"at least {AIM:.0f} times as fast as {name}", speed, speed.median >= AIM))
        else:
            claims.append(Claim(f"faster than {name}", speed, speed.median >= 1))
        count, before = outcomes[THIS].found, outcomes[name].found
        claims.append(Claim(f"finds at least the {before} that {name} finds", float(count), count >= before))
        for kind in ("pupil", "limbus"):
            now, then = (errors[one][f"{kind} off, 95th"] for one in (THIS, name))
            claims.append(Claim(f"{kind} off at 95 %: within 10 % of {then:.3g}", now, now <= 1.1 * then))
        if rates:
            now, then = (rates[one]["EER, %"] for one in (THIS, name))
            holds = now <= then + ERROR_TOLERANCE
            claims.append(Claim(f"EER in per cent at most about {then:.3g}, that of {name}", now, holds))
    return claims


def draw_sheet(eyes: Eyes, outcome: Outcome, path: Path) -> None:
    """Write all eyes as thumbnails, the circles drawn where they were found."""
    thumbs = [draw_circles(eye, found) for eye, found in zip(eyes, outcome.circles, strict=True)]
    blank = np.zeros((THUMB_HEIGHT_PX, THUMB_WIDTH_PX, 3), np.uint8)
    thumbs += [blank] * (-len(thumbs) % THUMBS_PER_ROW)
    rows = [np.hstack(thumbs[i : i + THUMBS_PER_ROW]) for i in range(0, len(thumbs), THUMBS_PER_ROW)]
    cv2.imwrite(str(path), np.vstack(rows))


def draw_circles(eye: Grey, found: NDArray[np.float64]) -> Grey:
    """Return one thumbnail; an eye that failed is framed."""
    image = cv2.cvtColor(eye, cv2.COLOR_GRAY2BGR)
    if np.isfinite(found[0]):
        named = dict(zip(NAMES, (round(value) for value in found), strict=True))
        for kind in ("pupil", "limbus"):
            x, y, radius = (named[f"{kind}_{part}"] for part in ("x", "y", "radius"))
            cv2.circle(image, (x, y), radius, (0, 255, 0), 1)
    else:
        cv2.rectangle(image, (2, 2), (image.shape[1] - 3, image.shape[0] - 3), (0, 0, 255), 5)
    thumb = cv2.resize(image, (THUMB_WIDTH_PX, THUMB_HEIGHT_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(thumb, dtype=np.uint8)


if __name__ == "__main__":
    sys.exit(main())
