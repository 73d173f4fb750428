"""Run the short form of every benchmark, one after the other: make bench.

    python benchmarks/all.py [--only bootstrap loader] [--folder build/benchmarks]

Each leaves its output in FOLDER/<name>.log and its figures in FOLDER/<name>.json. One that fails does not
stop the others. The short form shows that each benchmark works, on made-up data and without downloads; the
figures of the docs come from the full form, which each script explains (`--help`). Status 1 where one
crashed, or where something came out wrong; what the figures of the short form are too small to show is listed
and is no failure.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rounds import FAILS, HOLDS, NOT_SHOWN

HERE = Path(__file__).resolve().parent
MOST_S = 600.0
"""A short form takes some 20 s; one that takes so long hangs."""
WORDS = {HOLDS: "hold", NOT_SHOWN: "cannot be shown by so few", FAILS: "do not hold"}


@dataclass(frozen=True)
class Outcome:
    """What became of one benchmark: its claims by what `rounds.Claim` said of them, or why there are none."""

    name: str
    seconds: float
    claims: Mapping[str, Sequence[str]]
    crash: str = ""


def main(arguments: Sequence[str] | None = None) -> int:
    asked = parse_arguments(arguments)
    asked.folder.mkdir(parents=True, exist_ok=True)
    outcomes = []
    for script in asked.only or list_scripts():
        outcomes.append(run(script, asked.folder))
        print(describe(outcomes[-1]), flush=True)
    print(summarise(outcomes))
    return int(any(one.crash or one.claims.get(FAILS) for one in outcomes))


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=list_scripts(), metavar="NAME", help="names of scripts")
    parser.add_argument("--folder", type=Path, default=HERE.parent / "build/benchmarks")
    return parser.parse_args(arguments)


def list_scripts() -> list[str]:
    """List the benchmarks: the modules here that can be run, but for this one."""
    runnable = (path for path in HERE.glob("*.py") if '__name__ == "__main__"' in path.read_text())
    return sorted(path.stem for path in runnable if path.name != "all.py")


def run(name: str, folder: Path) -> Outcome:
    """Run one benchmark in a process of its own, and read what it claims."""
    figures, log = folder / f"{name}.json", folder / f"{name}.log"
    figures.unlink(missing_ok=True)
    command = [sys.executable, str(HERE / f"{name}.py"), "--short", "--output", str(figures)]
    began = time.perf_counter()
    with log.open("w") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=subprocess.STDOUT, cwd=HERE.parent, start_new_session=True
        )
        status = wait(process)
    seconds = time.perf_counter() - began
    if not figures.exists():
        return Outcome(name, seconds, {}, f"status {status}, no figures: {log}")
    claims: dict[str, list[str]] = {}
    for one in json.loads(figures.read_text())["claims"]:
        claims.setdefault(one["verdict"], []).append(one["text"])
    return Outcome(name, seconds, claims)


def wait(process: subprocess.Popen[bytes]) -> int:
    """Wait for a benchmark, and end it with all that it started where it hangs or is interrupted."""
    try:
        return process.wait(MOST_S)
    except (subprocess.TimeoutExpired, KeyboardInterrupt) as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if isinstance(error, KeyboardInterrupt):
            raise
        return process.returncode


def describe(one: Outcome) -> str:
    """Say in a line what became of one."""
    counts = (f"{len(texts)} {WORDS[verdict]}" for verdict, texts in sorted(one.claims.items()))
    found = f"CRASHED: {one.crash}" if one.crash else ", ".join(counts) or "claims nothing"
    return f"{one.name:28}{one.seconds:6.0f} s  {found}"


def summarise(outcomes: Sequence[Outcome]) -> str:
    """Count the claims, and name those that are wrong or not shown, and the benchmarks that crashed."""
    counts = {verdict: sum(len(one.claims.get(verdict, ())) for one in outcomes) for verdict in WORDS}
    crashed = [one.name for one in outcomes if one.crash]
    claims = ", ".join(f"{count} {WORDS[verdict]}" for verdict, count in counts.items())
    seconds = sum(one.seconds for one in outcomes)
    lines = [
        f"\n{len(outcomes)} benchmarks in {seconds:.0f} s: of their claims {claims}; {len(crashed)} crashed"
    ]
    for verdict in (NOT_SHOWN, FAILS):
        lines += [
            f"  {verdict}: {one.name}: {claim}" for one in outcomes for claim in one.claims.get(verdict, ())
        ]
    return "\n".join([*lines, *(f"  crashed: {name}" for name in crashed)])


if __name__ == "__main__":
    sys.exit(main())
