"""Show that preprocessing makes again what a change asks for, and what a run costs when nothing changed.

Claims: one changed capture of all makes one shard again; a changed time makes none; a changed parameter of
one modality makes its shards again and no others; a `kedro run --pipelines preprocessing` without a
change takes less than 3 s beyond Kedro's own start (`kedro registry list`), in interleaved rounds.
Run: python benchmarks/preprocessing_again.py --captures PATH --output again.json

PATH is copied, never written to. Without it a small sample is made up.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import rounds

PROJECT = Path(__file__).parents[1]
PLANNED = re.compile(r"(\w+): \d+ captures in (\d+) shards?, (\d+) to make")
WIDER = "biometrics.iris_left.preprocessing.normalisation.width=240"
BEYOND_S = 3.0
SUFFIXES = (".bmp", ".png")

Made = dict[str, int]


def main() -> int:
    asked = read_arguments()
    with tempfile.TemporaryDirectory(dir=asked.folder) as work:
        captures, data = Path(work) / "captures", Path(work) / "data"
        fill(captures, asked.captures, data)
        run = partial(run_kedro, captures, data)
        run("data_engineering")
        steps = {"first": run("preprocessing"), "again": run("preprocessing")}
        found = rounds.run_rounds(
            {"kedro registry list": list_registry, "unchanged": partial(run, "preprocessing")}, asked.rounds
        )
        changed = choose_capture(captures)
        os.utime(changed)
        run("data_engineering")
        steps["another time"] = run("preprocessing")
        touch_bytes(changed)
        run("data_engineering")
        steps["one capture changed"] = run("preprocessing")
        steps["iris_left of another width"] = run("preprocessing", WIDER)
    table: dict[str, rounds.Row] = {
        name: {f"{modality}: shards made": count for modality, count in made.items()}
        for name, made in steps.items()
    }
    table |= {name: {"s": rounds.cost_of(found, name)} for name in found[0]}
    return rounds.conclude("preprocessing_again", table, list(judge(steps, found)), asked)


def read_arguments() -> argparse.Namespace:
    parser = rounds.parser_of(__doc__, rounds=5)
    parser.add_argument("--captures", type=Path, help="laid out as the Kaggle set; made up if not given")
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder if not given")
    asked = parser.parse_args()
    if asked.short:
        asked.rounds = 1
    return asked


def fill(captures: Path, given: Path | None, data: Path) -> None:
    if given:
        shutil.copytree(given, captures)
        for path in [captures, *captures.rglob("*")]:
            path.chmod(path.stat().st_mode | 0o200)
        return
    few = "biometrics.synthesis.subjects=4,biometrics.synthesis.presentations.known_subjects=1"
    run_kedro(captures, data, "synthesis", few)


def run_kedro(captures: Path, data: Path, pipeline: str, *parameters: str) -> Made:
    """Run a pipeline, and read from its log how many shards of each modality it made."""
    given = ",".join([f"captures={captures}", f"data={data}", *parameters])
    command = [sys.executable, "-m", "kedro", "run", "--pipelines", pipeline, f"--params={given}"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return {modality: int(made) for modality, _, made in PLANNED.findall(done.stdout + done.stderr)}


def list_registry() -> None:
    command = [sys.executable, "-m", "kedro", "registry", "list"]
    subprocess.run(command, cwd=PROJECT, capture_output=True, check=True)


def choose_capture(captures: Path) -> Path:
    """Choose a fingerprint."""
    files = sorted(path for path in captures.rglob("*") if path.suffix.lower() in SUFFIXES)
    return next(path for path in files if path.parent.name.lower() == "fingerprint")


def touch_bytes(path: Path) -> None:
    """Change a capture without a change to what it shows: a byte after the image's end."""
    path.write_bytes(path.read_bytes() + b"\0")


def judge(steps: dict[str, Made], found: rounds.Rounds) -> Iterator[rounds.Claim]:
    first, none = steps["first"], dict.fromkeys(steps["first"], 0)
    expected = {
        "again": none,
        "another time": none,
        "one capture changed": none | {"fingerprint": 1},
        "iris_left of another width": none | {"iris_left": first["iris_left"]},
    }
    for name, made in expected.items():
        text = f"{name}: {sum(made.values())} of {sum(first.values())} shards made again"
        yield rounds.Claim(text, float(sum(steps[name].values())), steps[name] == made, exact=True)
    beyond = rounds.Spread.of(one["unchanged"].wall_s - one["kedro registry list"].wall_s for one in found)
    yield rounds.Claim(
        f"unchanged: less than {BEYOND_S} s beyond Kedro's start", beyond, beyond.median < BEYOND_S
    )


if __name__ == "__main__":
    sys.exit(main())
