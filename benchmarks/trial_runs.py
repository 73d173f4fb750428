"""Runs in copies of a data root, to their end: what they said, and whether their results are equal."""

import re
import resource
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from data_roots import compare

PROJECT = Path(__file__).parents[1]
LARGEST_FILE_BYTES = 2_000_000
"""Where nothing may be mounted: no file of a run may grow larger."""

Kind = Literal["refused", "healed", "wrong"]


@dataclass(frozen=True)
class Outcome:
    """What became of one fault: refused in one line, healed (or borne), or not as it should be."""

    fault: str
    happened: str
    kind: Kind


@dataclass(frozen=True)
class Job:
    """Where the captures are, what a run left alone made of them, where copies go, and the settings."""

    data: Path
    captures: Path
    pipeline: str
    env: str
    params: str
    seed: int
    files: tuple[str, ...]

    @property
    def clean(self) -> Path:
        """The data root of the run that was left alone."""
        return self.data / "clean"

    @property
    def work(self) -> Path:
        """The data root of a case."""
        return self.data / "work"


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
    def last(self) -> str:
        """What it said last, without its time."""
        return re.sub(r"^(Error: |\d\d:\d\d:\d\d )", "", (self.errors or self.said or [""])[-1])

    def refuses(self, *words: str) -> bool:
        """Whether it stopped as it should: by itself, with one line that holds these words, no traceback."""
        traced = any(line.startswith("Traceback") for line in self.said)
        told = len(self.errors) == 1 and all(word in self.errors[0] for word in words)
        return self.status == 1 and told and not traced

    def to_outcome(self, fault: str, *words: str) -> Outcome:
        """Judge a run that should have stopped."""
        return Outcome(fault, self.last, "refused" if self.refuses(*words) else "wrong")


def start(
    job: Job, pipeline: str, root: Path, captures: Path | None = None, conf: Path | None = None
) -> "subprocess.Popen[str]":
    """Start a pipeline in a process group of its own."""
    settings = f"--params=data={root},captures={captures or job.captures}"
    settings += f",{job.params}" if job.params else ""
    options = ["--conf-source", str(conf)] if conf else []
    return subprocess.Popen(
        [sys.executable, "-m", "kedro", "run", "--env", job.env, "--pipelines", pipeline, *options, settings],
        cwd=PROJECT,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: "subprocess.Popen[str]") -> Done:
    """Wait for a run."""
    said = process.communicate()[1].splitlines()
    return Done(process.returncode, said)


def run(
    job: Job,
    pipeline: str,
    root: Path,
    captures: Path | None = None,
    conf: Path | None = None,
    limited: bool = False,
) -> Done:
    """Run a pipeline to its end, if asked with a limit to the size of files."""
    process = start(job, pipeline, root, captures, conf)
    if limited:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (LARGEST_FILE_BYTES, LARGEST_FILE_BYTES))
    return finish(process)


def copy_root(job: Job) -> Path:
    """Copy the data root of the run that was left alone, in place of an earlier copy."""
    shutil.rmtree(job.work, ignore_errors=True)
    return Path(shutil.copytree(job.clean, job.work))


def copy_captures(job: Job) -> Path:
    """Copy the captures, with their neighbours that inference is shown."""
    folder = job.data / "copied"
    shutil.rmtree(folder, ignore_errors=True)
    beside = job.captures.with_name("new_captures")
    if beside.is_dir():
        shutil.copytree(beside, folder / beside.name)
    return Path(shutil.copytree(job.captures, folder / job.captures.name))


def equal(job: Job, fault: str, done: Done) -> Outcome:
    """Judge a run that should have completed with the results of the run that was left alone."""
    problems = (
        list(compare(job.clean, job.work)) if done.status == 0 else [f"status {done.status}", done.last]
    )
    return Outcome(fault, "; ".join(problems) or "equal results", "wrong" if problems else "healed")
