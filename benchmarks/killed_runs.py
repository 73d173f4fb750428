"""Stop runs at random moments, run them again, and compare what comes out with runs that were left alone.

    python benchmarks/killed_runs.py
    python benchmarks/killed_runs.py --data DIR --stages training --kills 5 --seed 1 --output FILE
    python benchmarks/killed_runs.py --data DIR --signals INT TERM --kills 3
    python benchmarks/killed_runs.py --data DIR --captures ROOT --env base --stages main

Claims: a run that is killed (SIGKILL, the whole process group) is completed by the next one; the results are
then those of a run left alone, byte for byte but for the times that some of them state; nothing temporary is
left. A run that is stopped (SIGINT as by Ctrl-C, or SIGTERM) ends by itself with one line, and leaves nothing
temporary even before the next one.

Each stage is run once and left alone, on what the stages before it left. Then it is run in copies of the same
root and stopped there once to five times before it may complete, until there were enough stops. The
moments are drawn evenly over the time for which the stage holds the lock of its data root: before, Kedro
starts, and after, the results are complete. Without --captures a synthetic sample is made, which is a stage
too; `main` is the whole job in one run. Roots that an earlier call prepared in DIR are used again.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from data_roots import compare, find_temporary
from rounds import Claim, Row, conclude, parser_of

PROJECT = Path(__file__).parents[1]
MOST_STOPS_OF_A_ROOT = 5
SHORT_STAGES, SHORT_KILLS = ("synthesis", "data_engineering"), 1

HOLDER = ".run.json"
"""Says which process has the lock of a data root."""


@dataclass(frozen=True)
class Stage:
    """What `kedro run` is asked for, and the stage whose results it starts from."""

    options: tuple[str, ...]
    after: str | None


FACES = ("draw_capture_splits", "fit_estimators", "summarise_splits", "report_estimators")
STAGES = {
    "synthesis": Stage(("--pipelines", "synthesis"), None),
    "data_engineering": Stage(("--pipelines", "data_engineering"), "synthesis"),
    "preprocessing": Stage(("--pipelines", "preprocessing"), "data_engineering"),
    "training": Stage(("--pipelines", "training"), "preprocessing"),
    "evaluation": Stage(("--pipelines", "evaluation"), "training"),
    "inference": Stage(("--pipelines", "inference"), "evaluation"),
    "faces": Stage(
        ("--pipelines", "faces_synthesis,faces", "--tags", "synthesis,data_engineering,preprocessing"), None
    ),
    "estimation": Stage(
        ("--pipelines", "faces", "--nodes", ",".join(f"faces.{name}" for name in FACES)), "faces"
    ),
    "main": Stage(("--pipelines", "smoke"), None),
}
SINGLE = [name for name in STAGES if name not in ("faces", "main")]


@dataclass(frozen=True)
class Job:
    """Where everything is, and what every run is told."""

    data: Path
    captures: Path | None
    env: str
    params: str

    def root_of(self, stage: str) -> Path:
        """Name the root of a stage that was left alone."""
        return self.data / "left_alone" / stage


@dataclass
class Tally:
    """What became of the stops of one stage by one signal."""

    span_s: float
    stops: int = 0
    completed: int = 0
    identical: int = 0
    left_at_once: int = 0
    left: int = 0
    problems: list[str] = field(default_factory=list)

    def to_row(self) -> Row:
        """Give the row of the table."""
        return {
            "left alone, s": round(self.span_s, 1),
            "stopped": self.stops,
            "completed": self.completed,
            "identical": self.identical,
            "stops that left temporary files": self.left_at_once,
            "temporary files in the end": self.left,
        }


def main() -> int:
    asked = parse_arguments()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs, and their children, ignore it
    with tempfile.TemporaryDirectory() as folder:
        data = (asked.data or Path(folder)).absolute()
        job = Job(data, asked.captures and asked.captures.absolute(), asked.env, asked.params)
        tallies = dict(disturb_all(job, asked))
    claims = list(judge(tallies))
    return conclude("killed runs", {name: tally.to_row() for name, tally in tallies.items()}, claims, asked)


def disturb_all(job: Job, asked: argparse.Namespace) -> Iterator[tuple[str, Tally]]:
    """Stop every stage that was asked for by every signal."""
    until = time.monotonic() + asked.most_s
    for stage in asked.stages:
        span_s = prepare(job, stage)
        for name in asked.signals:
            rng = random.Random(f"{asked.seed} {stage} {name}")
            tally = disturb(job, stage, span_s, asked.kills, name, rng, until)
            print(f"{stage}, SIG{name}: {tally.to_row()}", *tally.problems, sep="\n", flush=True)
            yield f"{stage}, SIG{name}", tally


def parse_arguments() -> argparse.Namespace:
    parser = parser_of(__doc__, rounds=1)
    parser.add_argument("--data", type=Path, help="folder for the data roots of the runs; a temporary one")
    parser.add_argument("--captures", type=Path, help="folder of captures; without it, a synthetic sample")
    parser.add_argument("--kills", type=int, help="stops of each stage by each signal; 20")
    parser.add_argument("--stages", nargs="+", choices=STAGES, help="which to stop; all but main")
    parser.add_argument("--signals", nargs="+", choices=("KILL", "INT", "TERM"), default=["KILL"])
    parser.add_argument("--env", default="smoke", help="Kedro's environment")
    parser.add_argument("--params", default="", help="further parameters of all runs")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--most-s", type=float, default=86_400, help="begin no other root after so long")
    asked = parser.parse_args()
    asked.stages = asked.stages or (SHORT_STAGES if asked.short else SINGLE)
    asked.kills = asked.kills or (SHORT_KILLS if asked.short else 20)
    return asked


def judge(tallies: dict[str, Tally]) -> Iterator[Claim]:
    """Say of each claim what was found."""
    stops = sum(tally.stops for tally in tallies.values())
    for text, names in (("the next run completes", "completed"), ("results are identical", "identical")):
        found = sum(getattr(tally, names) for tally in tallies.values())
        yield Claim(text, f"{found} of {stops}", 0 < found == stops, exact=True)
    left = sum(tally.left for tally in tallies.values())
    yield Claim("no temporary file in the end", f"{left} left", left == 0, exact=True)
    gentle = [tally for name, tally in tallies.items() if not name.endswith("KILL")]
    if gentle:
        at_once = sum(tally.left_at_once for tally in gentle)
        found = f"after {at_once} of {stops} stops"
        yield Claim("none at once after SIGINT and SIGTERM", found, not at_once, exact=True)
    problems = [problem for tally in tallies.values() for problem in tally.problems]
    yield Claim("nothing else was wrong", "; ".join(problems) or "nothing", not problems, exact=True)


def prepare(job: Job, stage: str) -> float:
    """Run a stage and those before it, unless it was done before; give the seconds that it holds its root."""
    noted = job.root_of(stage).with_suffix(".json")
    if noted.exists():
        known = json.loads(noted.read_text())
        if known["settings"] != describe(job):
            raise SystemExit(
                f"expected {job.data} to be of {describe(job)}, got {known['settings']}: delete it"
            )
        return float(known["span_s"])
    before = before_of(job, stage)
    if before:
        prepare(job, before)
    root = copy_before(job, stage, job.root_of(stage))
    process = start(job, stage, root)
    wait_for_lock(process, root)
    began = time.perf_counter()
    while process.poll() is None and (root / HOLDER).exists():
        time.sleep(0.002)
    span_s = time.perf_counter() - began
    if process.wait():
        raise SystemExit(f"the run of {stage} that was left alone failed: {last_line(root)}")
    noted.write_text(json.dumps({"settings": describe(job), "span_s": span_s}))
    return span_s


def describe(job: Job) -> str:
    return ", ".join([job.env, str(job.captures or "a sample"), *filter(None, [job.params])])


def before_of(job: Job, stage: str) -> str | None:
    """Name the stage that comes before one; captures that are given need not be made."""
    before = STAGES[stage].after
    return None if job.captures and before == "synthesis" else before


def copy_before(job: Job, stage: str, root: Path) -> Path:
    """Copy what a stage starts from."""
    shutil.rmtree(root, ignore_errors=True)
    before = before_of(job, stage)
    if before:
        shutil.copytree(job.root_of(before), root)
    root.mkdir(parents=True, exist_ok=True)
    return root


def start(job: Job, stage: str, root: Path) -> "subprocess.Popen[bytes]":
    """Start a stage in a process group of its own; its log is written beside the data root."""
    options = STAGES[stage].options
    if job.captures and stage == "main":
        options = ("--pipelines", "biometrics")
    settings = f"--params=data={root},captures={job.captures or root / '01_raw/captures'}"
    settings += f",{job.params}" if job.params else ""
    with log_of(root).open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "kedro", "run", "--env", job.env, *options, settings],
            cwd=PROJECT,
            start_new_session=True,
            stdout=log,
            stderr=log,
        )


def log_of(root: Path) -> Path:
    return root.with_name(f"{root.name}.log")


def last_line(root: Path) -> str:
    return ["", *log_of(root).read_text(errors="replace").splitlines()][-1]


def wait_for_lock(process: "subprocess.Popen[bytes]", root: Path) -> None:
    """Wait until a run holds its data root: Kedro's own start is over."""
    while process.poll() is None:
        with suppress(OSError, ValueError):
            if json.loads((root / HOLDER).read_text())["process"] == process.pid:
                return
        time.sleep(0.002)


def disturb(
    job: Job, stage: str, span_s: float, stops: int, name: str, rng: random.Random, until: float
) -> Tally:
    """Stop a stage so often by one signal, in as many roots as it takes, and look at what comes out."""
    tally = Tally(span_s)
    for number in range(3 * stops):
        if tally.stops >= stops or time.monotonic() > until:
            break
        root = copy_before(job, stage, job.data / f"stopped_{stage}_{name}_{number}")
        most = min(rng.randint(1, MOST_STOPS_OF_A_ROOT), stops - tally.stops)
        disturb_once(job, stage, root, [rng.uniform(0, span_s) for _ in range(most)], name, tally)
    return tally


def disturb_once(
    job: Job, stage: str, root: Path, moments_s: Sequence[float], name: str, tally: Tally
) -> None:
    """Stop the runs in one root at these moments, then let one complete and compare."""
    stopped = 0
    for moment_s in [*moments_s, None]:
        process = start(job, stage, root)
        wait_for_lock(process, root)
        if not stop(process, root, moment_s, name):
            break
        stopped += 1
        expected = {HOLDER} if name == "KILL" else set()
        tally.left_at_once += bool(set(find_temporary(root)) - expected)
        if name != "KILL" and (wrong := misbehaviour(root, process.returncode, name)):
            tally.problems.append(f"{root.name}: {wrong}")
    tally.stops += stopped
    if process.returncode:
        tally.problems.append(f"{root.name}: status {process.returncode}: {last_line(root)}")
        return
    differences = list(compare(job.root_of(stage), root))
    tally.completed += stopped
    tally.identical += stopped * (not differences)
    tally.left += len(find_temporary(root))
    tally.problems += [f"{root.name}: {difference}" for difference in differences]
    if not differences:
        shutil.rmtree(root)


def stop(process: "subprocess.Popen[bytes]", root: Path, moment_s: float | None, name: str) -> bool:
    """Wait for a run, or send it the signal at its moment; say whether it was stopped.

    SIGTERM is for the process, as batch systems send it; the others are for its group, as terminals do. A run
    that has given its lock back is complete, and left alone.
    """
    with suppress(subprocess.TimeoutExpired):
        process.wait(moment_s)
    at_work = process.poll() is None and (root / HOLDER).exists()
    if at_work:
        with suppress(ProcessLookupError):
            (os.kill if name == "TERM" else os.killpg)(process.pid, getattr(signal, f"SIG{name}"))
    return process.wait() != 0 and at_work


def misbehaviour(root: Path, status: int, name: str) -> str:
    """Say what is wrong with how a run ended that was asked to: one line and a status are right."""
    said = log_of(root).read_text(errors="replace").splitlines()
    errors = [line for line in said if line.startswith("Error: ")]
    expected = 1 if name == "INT" else 128 + signal.SIGTERM
    if status != expected:
        return f"status {status} after SIG{name}, expected {expected}: {last_line(root)}"
    if len(errors) != 1 or "stopped by" not in errors[0]:
        return f"expected one line that says who stopped it, got {errors}"
    return "a traceback" if any(line.startswith("Traceback") for line in said) else ""


if __name__ == "__main__":
    sys.exit(main())
