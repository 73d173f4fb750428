"""Kill the main job at random moments, run it again, and compare with a run that nobody disturbed.

    python benchmarks/killed_runs.py --data DIR --kills 10
    python benchmarks/killed_runs.py --data DIR --captures ROOT --env base

Without --captures each run makes a synthetic sample of its own first. One run is left alone. Another, in a
data root of its own, is killed (SIGKILL, the whole process group) and started again, once or more, and then
completes; its files are compared with those of the first, and the next root is begun, until there were enough
kills. All files have to be equal byte for byte but for the times that some of them state, and nothing
temporary may be left. The script ends with status 1 where anything differs or is left.
"""

import argparse
import itertools
import json
import os
import random
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
    undisturbed = arguments.data / "undisturbed"
    began = time.perf_counter()
    finish(start(undisturbed, arguments), None)
    span_s = time.perf_counter() - began
    print(f"a run that is left alone takes {span_s:.1f} s")
    kills: list[Kill] = []
    problems: list[str] = []
    for number in itertools.count(1):
        if len(kills) == arguments.kills:
            break
        root = arguments.data / f"killed_{number}"
        most = min(rng.randint(1, MOST_KILLS_OF_A_ROOT), arguments.kills - len(kills))
        kills += disturb(root, arguments, most, span_s, rng)
        problems += [f"{root.name}: {problem}" for problem in compare(undisturbed, root)]
    report(kills, problems)
    if arguments.output:
        content = {"span_s": span_s, "kills": list(map(asdict, kills)), "problems": problems}
        arguments.output.write_text(json.dumps(content, indent=2) + "\n")
    sys.exit(bool(problems))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder for the data roots of the runs")
    parser.add_argument("--captures", type=Path, help="folder of captures; without it, a synthetic sample")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--env", default="smoke", help="Kedro's environment")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--output", type=Path, help="JSON file to write")
    return parser.parse_args()


def start(root: Path, arguments: argparse.Namespace) -> subprocess.Popen[bytes]:
    """Start the main job in a process group of its own; its log is written beside the data root."""
    root = root.absolute()
    root.mkdir(parents=True, exist_ok=True)
    captures = arguments.captures.absolute() if arguments.captures else root / "01_raw/captures"
    pipeline = "biometrics" if arguments.captures else "smoke"
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


def disturb(
    root: Path, arguments: argparse.Namespace, most: int, span_s: float, rng: random.Random
) -> list[Kill]:
    """Run in one root until a run completes, killing up to so many at random moments."""
    kills: list[Kill] = []
    while True:
        moment_s = rng.uniform(0, span_s) if len(kills) < most else None
        if finish(start(root, arguments), moment_s):
            return kills
        lines = log_of(root).read_text().splitlines()
        kills.append(Kill(root.name, moment_s or 0.0, lines[-1] if lines else "", find_temporary(root)))


def find_temporary(root: Path) -> list[str]:
    """Name the files and folders that only a run at work may have: hidden ones and partial ones."""
    names = (path.relative_to(root) for path in sorted(root.rglob("*")) if path.name != SAMPLE_MARKER)
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
    """Read what has to be equal: all bytes, or all values but the times."""
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
    print(f"\n{'root':12}{'killed after':>14}  last line of the log, and what lay about")
    for kill in kills:
        print(f"{kill.root:12}{kill.after_s:12.2f} s  {kill.last_line[:70]} {' '.join(kill.left)}")
    print(f"\n{len(kills)} kills, {len({kill.root for kill in kills})} roots: ", end="")
    print(
        "\n".join([f"{len(problems)} problems", *problems])
        if problems
        else "all completed, equal, nothing left"
    )


if __name__ == "__main__":
    main()
