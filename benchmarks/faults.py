"""Break runs on purpose, and look at what they do: disks, damaged files, lost folders, bad captures.

    python benchmarks/faults.py
    python benchmarks/faults.py --data DIR --cases flipped corrupted --output FILE
    python benchmarks/faults.py --captures ROOT --env base --params biometrics.training.max_epochs=2

Without --captures a synthetic sample is made. One run is left alone; each case works on a copy of its data
root, and an earlier call's is used again. What a case has to show:

    flipped     each kind of stored file with a flipped bit is refused in one line that names it, by the stage
                that reads it, or re-made; the stage that makes it makes it again, and all results are equal
    cut         the same where it was cut short
    full        on a disk that fills up a run stops in one line and leaves nothing half-written; where there
                is more space it goes on; in the end the results are equal
    read_only   in a data root that cannot be written a run stops in one line; captures and a configuration
                that cannot be written are enough
    misplaced   a file, or nothing, where a folder should be: one line
    vanished    where the folder of captures goes away during a run, it stops in one line, and no capture is
                set aside for it; once the folder is back, the results are equal
    two         of two runs in one root the second stops in one line that names the first, also where both
                start at the same moment; a killed run stops no other one
    corrupted   where 5 % of the captures are corrupted, each is a row with its reason, and the rates of the
                rest are within the intervals of the run that was left alone

Runs that are killed or stopped have a script of their own: killed_runs.py. For disks the script mounts a
small tmpfs. Where it may not, files may not grow beyond a size instead of `full`, and permissions are taken
away instead of `read_only` (which does not stop root: the case is left out).
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from damage import changed_rates, corrupt_captures, cut, flip_bit, is_silent, read_reasons
from disks import read_only_copy, resize, size_of, small_disk, used_of
from rounds import Claim, Row, conclude, parser_of
from trial_runs import (
    PROJECT,
    Job,
    Kind,
    Outcome,
    copy_captures,
    copy_root,
    equal,
    finish,
    run,
    start,
)

CORRUPTED_SHARE = 0.05
FULL_SHARES = (0.002, 0.03, 0.4, 0.75, 0.9)
"""How much of what a run writes fits on the disk, in turn: it fills up in one stage after the other."""

FREE_SHARES = (0.001, 0.02)
"""How much of it is free where all has been written before: a file that is replaced takes twice its space."""

FILES = {
    "02_intermediate/*/manifest.parquet": ("preprocessing", "data_engineering"),
    "04_feature/*/iris_left/arrays/*.npy": ("training", "preprocessing"),
    "02_intermediate/*/assignments.parquet": ("evaluation", "data_engineering"),
    "04_feature/*/iris_left/index.parquet": ("training", "preprocessing"),
    "04_feature/*/iris_left/arrays/*.json": ("training", "preprocessing"),
    "06_models/*/training/state.pt": ("training", "training"),
    "06_models/*/checkpoint/*/*/weights.safetensors": ("inference", "training"),
    "06_models/*/checkpoint/*/*/checkpoint.json": ("inference", "training"),
    "06_models/*/fingerprint/fitted_comparators.parquet": ("inference", "evaluation"),
    "07_model_output/*/fingerprint/templates.parquet": ("inference", "evaluation"),
    "07_model_output/*/fingerprint/pair_scores.parquet": ("evaluation", "evaluation"),
    "07_model_output/*/operating_points.json": ("inference", "evaluation"),
}
"""Stored files, a stage that reads each of them, and the one that makes it."""

SHORT_FILES, SHORT_PIPELINE = ("manifest", "npy"), "data_engineering,preprocessing"
SHORT_CASES = ("flipped", "misplaced")


def main() -> int:
    asked = parse_arguments()
    with tempfile.TemporaryDirectory() as folder:
        job = prepare((asked.data or Path(folder)).absolute(), asked)
        outcomes = {case: list(show(case, CASES[case](job))) for case in asked.cases}
    claims = [judge(case, found) for case, found in outcomes.items()]
    return conclude("faults", {case: count(found) for case, found in outcomes.items()}, claims, asked)


def show(case: str, outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
    for one in outcomes:
        print(f"{case:10}{one.kind:8} {one.fault:58} {one.happened}", flush=True)
        yield one


def judge(case: str, outcomes: list[Outcome]) -> Claim:
    right = sum(one.kind != "wrong" for one in outcomes)
    found = f"{right} of {len(outcomes)}"
    return Claim(
        f"{case}: refused in one line, healed or borne", found, 0 < right == len(outcomes), exact=True
    )


def count(outcomes: list[Outcome]) -> Row:
    """Give the row of a case in the table."""
    kinds = [one.kind for one in outcomes]
    return {
        "faults": len(kinds),
        "refused in one line": kinds.count("refused"),
        "healed or borne": kinds.count("healed"),
        "wrong": kinds.count("wrong"),
    }


def parse_arguments() -> argparse.Namespace:
    parser = parser_of(__doc__, rounds=1)
    parser.add_argument("--data", type=Path, help="folder for the data roots of the runs; a temporary one")
    parser.add_argument("--cases", nargs="+", choices=list(CASES))
    parser.add_argument("--files", nargs="+", default=[""], help="parts of the names of files to damage; all")
    parser.add_argument("--captures", type=Path, help="folder of captures; without it, a synthetic sample")
    parser.add_argument("--env", default="smoke", help="Kedro's environment")
    parser.add_argument("--params", default="", help="further parameters of all runs")
    parser.add_argument("--seed", type=int, default=0, help="of what is damaged, and where")
    asked = parser.parse_args()
    asked.cases = asked.cases or (SHORT_CASES if asked.short else list(CASES))
    asked.files = SHORT_FILES if asked.short else asked.files
    return asked


def prepare(data: Path, asked: argparse.Namespace) -> Job:
    """Make the run that is left alone, unless an earlier call did."""
    captures = (asked.captures or data / "captures").absolute()
    pipeline = SHORT_PIPELINE if asked.short else "biometrics"
    job = Job(data, captures, pipeline, asked.env, asked.params, asked.seed, tuple(asked.files))
    noted, settings = data / "clean.json", [str(captures), pipeline, asked.env, asked.params]
    if noted.exists():
        if json.loads(noted.read_text()) != settings:
            raise SystemExit(f"expected {data} to be of {settings}, got {noted.read_text()}: delete it")
        return job
    for name in ("synthesis", pipeline)[bool(asked.captures) :]:
        done = run(job, name, job.clean)
        if done.status:
            raise SystemExit("\n".join(["the run that was left alone failed:", *done.said]))
    noted.write_text(json.dumps(settings))
    return job


# Damaged files


def flipped(job: Job) -> Iterator[Outcome]:
    """Flip a bit of each kind of stored file."""
    yield from damaged(job, flip_bit)


def cut_short(job: Job) -> Iterator[Outcome]:
    """Cut each kind of stored file short."""
    yield from damaged(job, cut)


def damaged(job: Job, damage: Callable[[Path, random.Random], str]) -> Iterator[Outcome]:
    """Damage each kind of stored file, then run a stage that reads it, and the one that makes it."""
    rng = random.Random(f"{job.seed} {damage.__name__}")
    chosen = (pattern for pattern in FILES if any(part in pattern for part in job.files))
    for pattern in chosen:
        reader, maker = FILES[pattern]
        path = sorted(copy_root(job).glob(pattern))[0]
        fault = f"{path.name[:20]}, {damage(path, rng)}"
        done = run(job, reader, job.work)
        if done.status == 0:
            yield equal(job, f"{fault}, {reader}", done)
            continue
        named = next(name for name in (path.name, path.stem) if name in done.last or name == path.stem)
        yield done.to_outcome(f"{fault}, {reader}", named)
        yield equal(job, f"{fault}, {maker}", run(job, maker, job.work))


# Disks


def full(job: Job) -> Iterator[Outcome]:
    """Run the main job where not all of its results fit, again and again with a little more space."""
    written = size_of(job.clean)
    with small_disk(job.work, int(written * FULL_SHARES[0])) as mounted:
        for share in FULL_SHARES if mounted else FULL_SHARES[:1]:
            kind = f"tmpfs of {share:.1%} of what it writes" if mounted else "files limited in size"
            if mounted:
                resize(job.work, int(written * share))
            yield run(job, job.pipeline, job.work, limited=not mounted).to_outcome(f"disk full: {kind}")
            left = [path.name for path in job.work.rglob("*") if re.search(r"\.part(ial)?\b", path.name)]
            what = " ".join(left) or "nothing"
            yield Outcome(f"what is left half-written: {kind}", what, "wrong" if left else "healed")
        if mounted:
            resize(job.work, 4 * written)
        yield equal(job, "run again with more space", run(job, job.pipeline, job.work))
    yield from full_later(job)


def full_later(job: Job) -> Iterator[Outcome]:
    """Leave little free space beside the results of a whole run, and run the evaluation again."""
    written = size_of(job.clean)
    with small_disk(job.work, 4 * written) as mounted:
        if not mounted:
            return
        shutil.copytree(job.clean, job.work, dirs_exist_ok=True)
        for share in FREE_SHARES:
            resize(job.work, used_of(job.work) + int(written * share))
            done = run(job, "evaluation", job.work)
            yield done.to_outcome(f"disk full: tmpfs with {share:.1%} more, evaluation")
        resize(job.work, 4 * written)
        yield equal(job, "run again with more space, evaluation", run(job, "evaluation", job.work))


def read_only(job: Job) -> Iterator[Outcome]:
    """Run stages where the data root, the captures or the configuration cannot be written."""
    with read_only_copy(job.clean, job.work) as able:
        for stage in ("data_engineering", "training") if able else ():
            yield run(job, stage, job.work).to_outcome(f"data root, {stage}", str(job.work))
    copy_root(job)
    with read_only_copy(job.captures, job.data / "read_only/captures") as able:
        if able:
            done = run(job, "data_engineering", job.work, captures=job.data / "read_only/captures")
            yield equal(job, "captures, data_engineering", done)
            done = run(job, "synthesis", job.work, captures=job.data / "read_only/captures")
            yield done.to_outcome("captures, synthesis", "captures")
    with read_only_copy(PROJECT / "conf", job.data / "read_only/conf") as able:
        if able:
            done = run(job, "data_engineering", job.work, conf=job.data / "read_only/conf")
            yield equal(job, "configuration, data_engineering", done)


# Folders that are none, and that go away


def misplaced(job: Job) -> Iterator[Outcome]:
    """Give a file, or nothing, where a folder should be."""
    shutil.rmtree(job.work, ignore_errors=True)
    file, nowhere, empty = (job.data / name for name in ("file", "nowhere", "empty"))
    file.write_text("a file in the way")
    empty.mkdir(exist_ok=True)
    yield run(job, "data_engineering", file).to_outcome("a data root that is a file", str(file))
    for what, captures in (("a file", file), ("nowhere", nowhere)):
        done = run(job, "data_engineering", job.work, captures=captures)
        yield done.to_outcome(f"captures that are {what}", str(captures))
    done = run(job, "data_engineering", job.work, conf=empty)
    yield done.to_outcome("a configuration that is empty", str(empty))


def vanished(job: Job) -> Iterator[Outcome]:
    """Take the folder of captures away while a stage reads it; then bring it back."""
    for stage, sign in (("data_engineering", "layout: "), ("preprocessing", " to make ")):
        captures, root = copy_captures(job), copy_root(job)
        for made in root.glob("04_feature/*/[!n]*"):  # of the captures, not of the new ones
            shutil.rmtree(made)
        process = start(job, stage, root, captures)
        line = ""
        while sign not in line and process.poll() is None and process.stderr:
            line = process.stderr.readline()
        away = captures.rename(captures.with_name("away"))
        done = finish(process)
        yield done.to_outcome(f"captures gone during {stage}", str(captures), "gone")
        away.rename(captures)
        again = run(job, "data_engineering,preprocessing", root, captures)
        yield equal(job, f"captures back, {stage} again", again)


# Two runs at once


def two(job: Job) -> Iterator[Outcome]:
    """Start a second run while the first is at work; kill the first, start a third; start two at once."""
    root = copy_root(job)
    first = start(job, job.pipeline, root)
    while not (root / ".run.json").exists() and first.poll() is None:
        time.sleep(0.05)
    second = run(job, "data_engineering", root)
    yield second.to_outcome("a second run in one root", f"process {first.pid}")
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    yield equal(job, "another, after the first was killed", run(job, job.pipeline, root))
    both = [start(job, "data_engineering", root) for _ in range(2)]
    ended = [finish(process) for process in both]
    winners = [done for done in ended if done.status == 0]
    for done in ended:
        if done in winners:
            kind: Kind = "healed" if len(winners) == 1 else "wrong"
            yield Outcome("the first of two that start at once", "completes", kind)
        else:
            yield done.to_outcome("the second of two that start at once", "the only run in")


# Corrupted captures


def corrupted(job: Job) -> Iterator[Outcome]:
    """Corrupt captures at random, run the main job, and compare its rates with those of the clean run."""
    shutil.rmtree(job.work, ignore_errors=True)
    captures = copy_captures(job)
    ways = corrupt_captures(captures, CORRUPTED_SHARE, random.Random(job.seed))
    done = run(job, job.pipeline, job.work, captures=captures)
    yield Outcome(f"{len(ways)} captures", done.last, "wrong" if done.status else "healed")
    if done.status:
        return
    reasons = read_reasons(job.work)
    for path, way in ways.items():
        silent = is_silent(path, way)
        happened = reasons.get(path, "accepted for what its content is" if silent else "accepted")
        yield Outcome(f"{way}: {path}", happened, "healed" if silent or path in reasons else "wrong")
    compared, outside = changed_rates(job.clean, job.work)
    happened = ", ".join(outside) or "all within their intervals"
    yield Outcome(f"{compared} rates of the rest", happened, "wrong" if outside else "healed")


CASES = {
    "flipped": flipped,
    "cut": cut_short,
    "full": full,
    "read_only": read_only,
    "misplaced": misplaced,
    "vanished": vanished,
    "two": two,
    "corrupted": corrupted,
}

if __name__ == "__main__":
    sys.exit(main())
