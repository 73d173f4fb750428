"""Kill the main job, or each of its stages, at random moments; run it again; compare with a run left alone.

    python benchmarks/killed_runs.py --data DIR --kills 10
    python benchmarks/killed_runs.py --data DIR --kills 20 --stages
    python benchmarks/killed_runs.py --data DIR --captures ROOT --env base

Without --captures a synthetic sample is made first. One run is left alone. Another, in a data root of its
own, is killed (SIGKILL, the whole process group) and started again, once or more, and then completes; its
files are compared with those of the first, and the next root is begun, until there were enough kills. With
--stages this is done with each stage by itself, on what the stages before it left. All files have to be equal
byte for byte but for the times that some of them state, and nothing temporary may be left. The script ends
with status 1 where anything differs or is left.
"""

import argparse
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

PROJECT = Path(__file__).parents[1]
MOST_KILLS_OF_A_ROOT = 3
VERSIONED = ("checkpoint", "last_checkpoint")
LOGS = ("training", "runs")
"""Folders named after times and processes: the workspace of training, and the records of runs."""

TIMED = {"timings.json", "training_summary.json", "history.parquet"}
TIMES = {"seconds", "images_per_second"}
TEMPORARY = {".part", ".partial", ".tmp"}
SAMPLE_MARKER = ".selfsame-sample"


STAGES = ("data_engineering", "preprocessing", "training", "evaluation", "inference")
LOCK = ".run.lock"
"""The file that runs lock; it stays, because removing it would let two runs in."""


@dataclass(frozen=True)
class Job:
    """A pipeline to kill: the data root that it starts from, and the one that a run left alone ended with."""

    pipeline: str
    before: Path | None
    after: Path
    span_s: float


@dataclass(frozen=True)
class Kill:
    """One kill: in which root, when, after which line of the log, and the temporary files that it left."""

    root: str
    after_s: float
    last_line: str
    left: list[str]


def main() -> None:
    arguments = parse_arguments()
    if arguments.data.exists() and any(arguments.data.iterdir()):
        raise SystemExit(f"expected a new or empty folder, got {arguments.data}: delete what it holds")
    rng = random.Random(arguments.seed)
    jobs = prepare_stages(arguments) if arguments.stages is not None else [prepare_all(arguments)]
    kills: list[Kill] = []
    problems: list[str] = []
    for job in jobs:
        print(f"{job.pipeline}: a run that is left alone takes {job.span_s:.1f} s", flush=True)
        more_kills, more_problems = kill(job, arguments, rng)
        kills += more_kills
        problems += more_problems
    report(kills, problems)
    if arguments.output:
        spans = {job.pipeline: job.span_s for job in jobs}
        content = {"span_s": spans, "kills": list(map(asdict, kills)), "problems": problems}
        arguments.output.write_text(json.dumps(content, indent=2) + "\n")
    sys.exit(bool(problems))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder for the data roots of the runs")
    parser.add_argument("--captures", type=Path, help="folder of captures; without it, a synthetic sample")
    parser.add_argument("--kills", type=int, default=10, help="of the main job, or of each stage")
    parser.add_argument(
        "--stages", nargs="*", choices=STAGES, help="kill these stages one by one; alone, all of them"
    )
    parser.add_argument("--env", default="smoke", help="Kedro's environment")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--output", type=Path, help="JSON file to write")
    return parser.parse_args()


def prepare_all(arguments: argparse.Namespace) -> Job:
    """Run the main job, with the making of the sample where there are no captures, and leave it alone."""
    root = arguments.data / "undisturbed"
    pipeline = "biometrics" if arguments.captures else "smoke"
    return Job(pipeline, None, root, measure(root, pipeline, arguments))


def prepare_stages(arguments: argparse.Namespace) -> list[Job]:
    """Run the stages one after the other, and keep a copy of the data root before and after each."""
    root = arguments.data / "undisturbed"
    if not arguments.captures:
        measure(root, "synthesis", arguments)
        arguments.captures = arguments.data / "captures"
        shutil.move(root / "01_raw/captures", arguments.captures)
        shutil.move(root / "01_raw/new_captures", arguments.data)
    asked = arguments.stages or STAGES
    root.mkdir(parents=True, exist_ok=True)
    jobs = []
    for stage in STAGES[: max(map(STAGES.index, asked)) + 1]:
        before, after = (arguments.data / f"{when}_{stage}" for when in ("before", "after"))
        shutil.copytree(root, before)
        span_s = measure(root, stage, arguments)
        shutil.copytree(root, after)
        jobs += [Job(stage, before, after, span_s)] if stage in asked else []
    return jobs


def measure(root: Path, pipeline: str, arguments: argparse.Namespace) -> float:
    """Run a pipeline, leave it alone and give its seconds."""
    began = time.perf_counter()
    finish(start(root, pipeline, arguments), None)
    return time.perf_counter() - began


def kill(job: Job, arguments: argparse.Namespace, rng: random.Random) -> tuple[list[Kill], list[str]]:
    """Kill one job so many times, in as many data roots as it takes; give the kills and what was wrong."""
    kills: list[Kill] = []
    problems: list[str] = []
    for number in itertools.count(1):
        if len(kills) == arguments.kills:
            break
        root = arguments.data / f"killed_{job.pipeline}_{number}"
        if job.before:
            shutil.copytree(job.before, root)
        most = min(rng.randint(1, MOST_KILLS_OF_A_ROOT), arguments.kills - len(kills))
        kills += disturb(root, job, arguments, most, rng)
        found = list(compare(job.after, root))
        problems += [f"{root.name}: {problem}" for problem in found]
        if not found:
            shutil.rmtree(root)
    return kills, problems


def start(root: Path, pipeline: str, arguments: argparse.Namespace) -> subprocess.Popen[bytes]:
    """Start a pipeline in a process group of its own; its log is written beside the data root."""
    root = root.absolute()
    root.mkdir(parents=True, exist_ok=True)
    captures = arguments.captures.absolute() if arguments.captures else root / "01_raw/captures"
    command = ["run", "--env", arguments.env, "--pipelines", pipeline]
    with log_of(root).open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "kedro", *command, f"--params=data={root},captures={captures}"],
            cwd=PROJECT,
            start_new_session=True,
            stdout=log,
            stderr=log,
        )


def log_of(root: Path) -> Path:
    return root.with_name(f"{root.name}.log")


def finish(process: subprocess.Popen[bytes], moment_s: float | None) -> bool:
    """Wait for a run, or kill it at its moment; say whether it completed.

    Raises:
        SystemExit: it failed by itself.
    """
    try:
        status = process.wait(moment_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return False
    if status:
        raise SystemExit(f"a run failed with status {status}: {process.args}")
    return True


def disturb(root: Path, job: Job, arguments: argparse.Namespace, most: int, rng: random.Random) -> list[Kill]:
    """Run in one root until a run completes, killing up to so many at random moments."""
    kills: list[Kill] = []
    while True:
        moment_s = rng.uniform(0, job.span_s) if len(kills) < most else None
        if finish(start(root, job.pipeline, arguments), moment_s):
            return kills
        lines = log_of(root).read_text().splitlines()
        kills.append(Kill(root.name, moment_s or 0.0, lines[-1] if lines else "", find_temporary(root)))


def find_temporary(root: Path) -> list[str]:
    """Name the files and folders that only a run at work may have: hidden ones and partial ones."""
    kept = {SAMPLE_MARKER, LOCK}
    names = (path.relative_to(root) for path in sorted(root.rglob("*")) if path.name not in kept)
    return [str(path) for path in names if path.name.startswith(".") or path.suffix in TEMPORARY]


def compare(expected: Path, found: Path) -> Iterator[str]:
    """Say what differs between the results in two data roots, and what temporary files the second holds."""
    yield from (f"left behind: {name}" for name in find_temporary(found))
    left, right = (list_results(root) for root in (expected, found))
    yield from (f"missing: {name}" for name in sorted(left.keys() - right.keys()))
    yield from (f"not expected: {name}" for name in sorted(right.keys() - left.keys()))
    for name in sorted(left.keys() & right.keys()):
        if read_result(left[name]) != read_result(right[name]):
            yield f"differs: {name}"


def list_results(root: Path) -> dict[str, Path]:
    """List the results below a data root by name; of versions, the latest."""
    results = {}
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        parts = list(path.relative_to(root).parts)
        if any(folder in parts for folder in LOGS):
            continue
        if parts[0] == "06_models" and any(folder in parts for folder in VERSIONED):
            parts[3] = "VERSION"
        results["/".join(parts)] = path
    return results


def read_result(path: Path) -> object:
    """Read what has to be equal: all bytes, or all values but the times; of a digest, that it is there."""
    if path.suffix == ".sha256":
        return None
    if path.suffix == ".json" and (path.name in TIMED or path.parent.name == "arrays"):
        content = json.loads(path.read_bytes())
        return without_times(content.get("record", content))
    if path.name in TIMED:
        return pd.read_parquet(path).drop(columns=list(TIMES)).to_json(double_precision=15)
    return path.read_bytes()


def without_times(content: object) -> object:
    if not isinstance(content, dict):
        return content
    return {name: without_times(value) for name, value in content.items() if name not in TIMES}


def report(kills: list[Kill], problems: list[str]) -> None:
    print(f"\n{'root':28}{'killed after':>14}  last line of the log, and what lay about")
    for kill in kills:
        print(f"{kill.root:28}{kill.after_s:12.2f} s  {kill.last_line[:70]} {' '.join(kill.left)}")
    print(f"\n{len(kills)} kills, {len({kill.root for kill in kills})} roots: ", end="")
    print(
        "\n".join([f"{len(problems)} problems", *problems])
        if problems
        else "all completed, equal, nothing left"
    )


if __name__ == "__main__":
    main()
