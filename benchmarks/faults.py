"""Break runs on purpose, and look at what they do: full and read-only disks, damaged files, bad captures.

    python benchmarks/faults.py --data DIR
    python benchmarks/faults.py --data DIR --cases damaged corrupted --captures ROOT --env base

Without --captures a synthetic sample is made. One run is left alone; each case works on a copy of its data
root. What a case has to show:

    damaged     a file with a flipped bit, or cut short, is re-made, or refused in one line; never used
    full        on a full disk a run stops in one line, leaves nothing half-written, and completes with space
    read_only   a run in a root that cannot be written stops in one line
    two         a second run in a root stops in one line that names the first; a killed run stops no other one
    corrupted   where 5 % of the captures are corrupted, each is a row with its reason, and the rates of the
                rest are within the intervals of the run that was left alone

Runs that are killed have a script of their own: killed_runs.py. For full and read_only the script mounts a
small tmpfs. Where it may not, files may not grow beyond a size, and permissions are taken away (which does
not stop root: the case is left out). The script ends with status 1 where anything is not as it should be.
"""

import argparse
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[1]
CORRUPTED_SHARE = 0.05
FULL_SHARE = 0.6
"""How much of what a run writes fits on the disk that fills up."""

LARGEST_FILE_BYTES = 2_000_000
"""Where nothing may be mounted: no file of a run may grow larger."""

READERS = {
    "02_intermediate/*/manifest.parquet": "preprocessing",
    "02_intermediate/*/assignments.parquet": "evaluation",
    "04_feature/*/iris_left/index.parquet": "training",
    "04_feature/*/iris_left/arrays/*.npy": "training",
    "04_feature/*/iris_left/arrays/*.json": "training",
    "06_models/*/training/state.pt": "training",
    "06_models/*/checkpoint/*/*/weights.safetensors": "inference",
    "06_models/*/checkpoint/*/*/checkpoint.json": "inference",
    "07_model_output/*/fingerprint/templates.parquet": "inference",
    "07_model_output/*/fingerprint/pair_scores.parquet": "evaluation",
    "07_model_output/*/operating_points.json": "inference",
}
"""Stored files, and a stage that reads each of them."""

REMAKERS = {
    "04_feature/*/iris_left/arrays/*.npy": "preprocessing",
    "04_feature/*/iris_left/arrays/*.json": "preprocessing",
    "04_feature/*/iris_left/index.parquet": "preprocessing",
    "07_model_output/*/fingerprint/templates.parquet": "evaluation",
}
"""Stored files, and the stage that makes each of them again."""


@dataclass(frozen=True)
class Outcome:
    """What became of one fault."""

    case: str
    fault: str
    happened: str
    right: bool


@dataclass(frozen=True)
class Job:
    """Where the captures are, what a run left alone made of them, where copies go, and the settings."""

    captures: Path
    clean: Path
    work: Path
    env: str
    seed: int


@dataclass(frozen=True)
class Done:
    """A run that has ended: its status, and the lines that it said on stderr."""

    status: int
    said: list[str]

    @property
    def errors(self) -> list[str]:
        """The lines by which it stopped."""
        return [line for line in self.said if line.startswith("Error: ")]

    @property
    def in_one_line(self) -> bool:
        """Whether it stopped as it should: one line, no traceback."""
        traced = any(line.startswith("Traceback") for line in self.said)
        return self.status == 1 and len(self.errors) == 1 and not traced


def main() -> None:
    arguments = parse_arguments()
    data = arguments.data.absolute()
    if data.exists() and any(data.iterdir()):
        raise SystemExit(f"expected a new or empty folder, got {data}: delete what it holds")
    job = prepare(data, arguments)
    outcomes = []
    for case in arguments.cases:
        for outcome in CASES[case](job):
            outcomes.append(outcome)
            print(
                f"{'ok ' if outcome.right else 'BAD'} {case:10}{outcome.fault:48} {outcome.happened}",
                flush=True,
            )
    if arguments.output:
        arguments.output.write_text(json.dumps(list(map(asdict, outcomes)), indent=2) + "\n")
    wrong = sum(not outcome.right for outcome in outcomes)
    print(f"\n{len(outcomes)} faults, {wrong} not dealt with as they should be")
    sys.exit(bool(wrong))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="new folder for the data roots of the runs")
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--captures", type=Path, help="folder of captures; without it, a synthetic sample")
    parser.add_argument("--env", default="smoke", help="Kedro's environment")
    parser.add_argument("--seed", type=int, default=0, help="of what is damaged, and where")
    parser.add_argument("--output", type=Path, help="JSON file to write")
    return parser.parse_args()


def prepare(data: Path, arguments: argparse.Namespace) -> Job:
    """Make the run that is left alone."""
    captures = (arguments.captures or data / "captures").absolute()
    job = Job(captures, data / "clean", data / "work", arguments.env, arguments.seed)
    for pipeline in ("synthesis", "biometrics")[bool(arguments.captures) :]:
        done = run(job, pipeline, job.clean)
        if done.status:
            raise SystemExit("\n".join(["the run that was left alone failed:", *done.said]))
    return job


# Running


def start(job: Job, pipeline: str, root: Path, captures: Path | None = None) -> "subprocess.Popen[str]":
    """Start a pipeline in a process group of its own."""
    settings = f"--params=data={root},captures={captures or job.captures}"
    return subprocess.Popen(
        [sys.executable, "-m", "kedro", "run", "--env", job.env, "--pipelines", pipeline, settings],
        cwd=PROJECT,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(job: Job, pipeline: str, root: Path, captures: Path | None = None, limited: bool = False) -> Done:
    """Run a pipeline to its end, if asked with a limit to the size of files."""
    process = start(job, pipeline, root, captures)
    if limited:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (LARGEST_FILE_BYTES, LARGEST_FILE_BYTES))
    said = process.communicate()[1].splitlines()
    return Done(process.returncode, said)


def copy_root(job: Job) -> Path:
    """Copy the data root of the run that was left alone, in place of an earlier copy."""
    shutil.rmtree(job.work, ignore_errors=True)
    return Path(shutil.copytree(job.clean, job.work))


def differences(job: Job, root: Path) -> list[str]:
    """Say in what the results of a root differ from those of the run that was left alone."""
    from killed_runs import compare

    return list(compare(job.clean, root))


# Damaged files


def flip_bit(path: Path, rng: random.Random) -> str:
    """Flip one bit of a file, anywhere."""
    content = bytearray(path.read_bytes())
    place = rng.randrange(len(content))
    content[place] ^= 1 << rng.randrange(8)
    path.write_bytes(content)
    return f"bit flipped at {place}"


def cut(path: Path, rng: random.Random) -> str:
    """Cut a file short, anywhere."""
    content = path.read_bytes()
    kept = rng.randrange(len(content))
    path.write_bytes(content[:kept])
    return f"cut to {kept}"


def damaged(job: Job) -> Iterator[Outcome]:
    """Damage each kind of stored file, then run a stage that reads it, and one that makes it again."""
    rng = random.Random(job.seed)
    for damage in (flip_bit, cut):
        for pattern, stage in READERS.items():
            yield damaged_file(job, pattern, stage, damage, rng)
        for pattern, stage in REMAKERS.items():
            yield damaged_file(job, pattern, stage, damage, rng)


def damaged_file(
    job: Job, pattern: str, stage: str, damage: Callable[[Path, random.Random], str], rng: random.Random
) -> Outcome:
    root = copy_root(job)
    path = sorted(root.glob(pattern))[0]
    fault = f"{path.name[:20]}, {damage(path, rng)}, {stage}"
    done = run(job, stage, root)
    named = done.in_one_line and (path.name in done.errors[0] or path.stem in done.errors[0])
    if named:
        return Outcome("damaged", fault, f"refused: {done.errors[0][7:]}", True)
    remade = done.status == 0 and not differences(job, root)
    return Outcome("damaged", fault, "re-made" if remade else f"status {done.status}: {last(done)}", remade)


# Disks


@contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[bool]:
    """Mount a tmpfs of so many bytes at a folder, where this process may; say whether it did."""
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder)]
    able = shutil.which("mount") is not None
    mounted = able and subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


def full(job: Job) -> Iterator[Outcome]:
    """Run the main job where not all of its results fit, then give it more space."""
    written = sum(path.stat().st_size for path in job.clean.rglob("*") if path.is_file())
    shutil.rmtree(job.work, ignore_errors=True)
    with small_disk(job.work, int(written * FULL_SHARE)) as mounted:
        done = run(job, "biometrics", job.work, limited=not mounted)
        kind = "tmpfs" if mounted else "files limited in size"
        yield Outcome("full", f"disk full ({kind})", last(done), done.in_one_line)
        left = [str(path.name) for path in job.work.rglob("*") if ".part" in path.name]
        yield Outcome("full", "what it leaves half-written", " ".join(left) or "nothing", not left)
        if mounted:
            subprocess.run(["mount", "-o", f"remount,size={4 * written}", str(job.work)], check=True)
        again = run(job, "biometrics", job.work)
        problems = differences(job, job.work) if again.status == 0 else [last(again)]
        yield Outcome(
            "full", "run again with more space", " ".join(problems) or "equal results", not problems
        )


def read_only(job: Job) -> Iterator[Outcome]:
    """Run stages in a root that cannot be written."""
    size = sum(path.stat().st_size for path in job.clean.rglob("*") if path.is_file())
    shutil.rmtree(job.work, ignore_errors=True)
    with small_disk(job.work, 2 * size) as mounted:
        shutil.copytree(job.clean, job.work, dirs_exist_ok=True)
        if mounted:
            subprocess.run(["mount", "-o", "remount,ro", str(job.work)], check=True)
        elif os.geteuid() == 0:
            return
        else:
            for folder in [job.work, *(path for path in job.work.rglob("*") if path.is_dir())]:
                folder.chmod(0o555)
        for stage in ("data_engineering", "training"):
            done = run(job, stage, job.work)
            yield Outcome("read_only", stage, last(done), done.in_one_line)
    for folder in job.work.rglob("*"):
        folder.chmod(0o755)


# Two runs at once


def two(job: Job) -> Iterator[Outcome]:
    """Start a second run while the first is at work; then kill the first, and start a third."""
    root = copy_root(job)
    first = start(job, "biometrics", root)
    while not (root / ".run.json").exists():
        time.sleep(0.05)
    second = run(job, "data_engineering", root)
    named = second.in_one_line and f"process {first.pid}" in second.errors[0]
    yield Outcome("two", "a second run in one root", last(second), named)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    third = run(job, "data_engineering", root)
    yield Outcome("two", "another, after the first was killed", f"status {third.status}", third.status == 0)


# Corrupted captures


def truncate_capture(path: Path, rng: random.Random) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: rng.randrange(len(content) * 3 // 4)])
    return path


def zero_capture(path: Path, rng: random.Random) -> Path:
    path.write_bytes(bytes(path.stat().st_size))
    return path


def spoil_middle(path: Path, rng: random.Random) -> Path:
    content = bytearray(path.read_bytes())
    third = len(content) // 3
    content[third : 2 * third] = rng.randbytes(third)
    path.write_bytes(content)
    return path


def rename_capture(path: Path, rng: random.Random) -> Path:
    return path.rename(path.with_suffix(rng.choice([".zip", ".txt", ".mp3", ".pdf"])))


CORRUPTIONS = {
    "truncated": truncate_capture,
    "zeroed": zero_capture,
    "garbage in the middle": spoil_middle,
    "wrong extension": rename_capture,
}

HARMLESS = {"wrong extension"}
"""Ways that leave the image whole: content decides what a file is, and only archives go by their name."""

UNSEEN_IN_BMP = {"garbage in the middle"}
"""Ways that nothing in a BMP can show: it has no checksum. The rates show what they cost."""


def corrupt_captures(folder: Path, share: float, rng: random.Random) -> dict[str, str]:
    """Corrupt a share of the files of a folder, by turns in each way; give the way of each by its path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    chosen = rng.sample(files, max(round(share * len(files)), len(CORRUPTIONS)))
    ways = {}
    for number, path in enumerate(chosen):
        way = list(CORRUPTIONS)[number % len(CORRUPTIONS)]
        ways[CORRUPTIONS[way](path, rng).relative_to(folder).as_posix()] = way
    return ways


def corrupted(job: Job) -> Iterator[Outcome]:
    """Corrupt captures at random, run the main job, and compare its rates with those of the clean run."""
    shutil.rmtree(job.work, ignore_errors=True)
    captures = Path(shutil.copytree(job.captures, job.work.with_name("corrupted_captures")))
    ways = corrupt_captures(captures, CORRUPTED_SHARE, random.Random(job.seed))
    done = run(job, "biometrics", job.work, captures=captures)
    yield Outcome("corrupted", f"{len(ways)} captures", last(done), done.status == 0)
    if done.status:
        return
    reasons = read_reasons(job.work)
    for path, way in ways.items():
        silent = way in HARMLESS or (way in UNSEEN_IN_BMP and path.lower().endswith(".bmp"))
        happened = reasons.get(path, "accepted for what its content is" if silent else "accepted")
        yield Outcome("corrupted", f"{way}: {path}", happened, silent or path in reasons)
    yield from compare_rates(job.clean, job.work)


def read_reasons(root: Path) -> dict[str, str]:
    """Give the reason of every file that was rejected or could not be normalised, by its path."""
    import pandas as pd

    reasons: dict[str, str] = {}
    for path in root.glob("02_intermediate/*/rejected.parquet"):
        if not path.parent.name.endswith(".new"):
            table = pd.read_parquet(path)
            reasons |= dict(zip(table["path"], table["reason"], strict=True))
    return reasons


def compare_rates(clean: Path, found: Path) -> Iterator[Outcome]:
    """Compare the equal error rates with those of the clean run: one within the interval of the other."""
    expected, got = dict(read_rates(clean)), dict(read_rates(found))
    outside = [key for key, one in expected.items() if key not in got or not agree(one, got[key])]
    said = ", ".join(f"{key}: {expected[key]} became {got.get(key)}" for key in outside)
    said = said or "all within their intervals"
    yield Outcome("corrupted", f"{len(expected)} rates of the rest", said, not outside)


def agree(one: Sequence[float], other: Sequence[float]) -> bool:
    """Tell whether either of two (rate, low, high) lies within the interval of the other."""
    return other[1] <= one[0] <= other[2] or one[1] <= other[0] <= one[2]


def read_rates(root: Path) -> Iterator[tuple[str, tuple[float, float, float]]]:
    """Read the equal error rate of each result, with its interval."""
    for path in root.glob("08_reporting/*/metrics.json"):
        for one in json.loads(path.read_text())["outcomes"]:
            measured = one["verification"]
            if measured:
                key = " ".join([one["protocol"], one["figure"], one["comparator"]])
                yield key, (measured["eer"], *measured["eer_interval"])


def last(done: Done) -> str:
    """Give what a run said last, without its time."""
    text = (done.errors or done.said or [""])[-1]
    return re.sub(r"^(Error: |\d\d:\d\d:\d\d )", "", text)


CASES = {"damaged": damaged, "full": full, "read_only": read_only, "two": two, "corrupted": corrupted}

if __name__ == "__main__":
    main()
