"""Run the main job on a folder of captures, tell how well it recognises, and say which claims hold.

    python benchmarks/recognition.py --captures ROOT --data DIR --output recognition.json

Each protocol (and each seed, with --seeds: other splits of the people, other first weights) is a `kedro run`
in a data root of its own below DIR, which has to be new: nothing is reused. The time is that of the whole
command; memory is that of all its processes together, sampled. Rank-1 counts probes that could not be
acquired as wrong. The script ends with status 1 where a claim does not hold.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[1]
PROTOCOLS = ("closed_set", "subject_disjoint")
IRISES = ("iris_left", "iris_right")

LEAST_RANK_1_OF_IRISES = 0.98  # closed_set, both irises fused
LEAST_RANK_1_OF_AN_IRIS = 0.93  # closed_set, each iris alone
MOST_EER_OF_IRISES = 0.03  # subject_disjoint, both irises fused
MOST_IRIS_FAILURES = 0.02  # of the iris captures, to acquire
MOST_WALL_S = 15 * 60.0
MOST_MEMORY_GIB = 3.0

SAMPLE_EVERY_S = 0.2
GIB = 2**30


@dataclass(frozen=True)
class Run:
    """One main job: what was asked, what it cost, what it measured (metrics.json)."""

    protocol: str
    seed: int
    wall_s: float
    peak_gib: float
    metrics: dict[str, dict]


@dataclass(frozen=True)
class Claim:
    """One claim about one run: the bound, what was measured, whether it holds."""

    run: str
    what: str
    bound: str
    measured: float
    holds: bool


def main() -> None:
    arguments = parse_arguments()
    runs = []
    for protocol in arguments.protocols:
        for seed in arguments.seeds or [None]:
            runs.append(run_main_job(arguments.captures, arguments.data, protocol, seed))
            report(runs[-1])
    report_spread(runs)
    claims = [claim for run in runs for claim in check(run)]
    report_claims(claims)
    if arguments.output:
        machine = {
            "cores": os.cpu_count(),
            "system": platform.platform(),
            "python": platform.python_version(),
        }
        content = {"machine": machine, "runs": list(map(asdict, runs)), "claims": list(map(asdict, claims))}
        arguments.output.write_text(json.dumps(content, indent=2) + "\n")
    sys.exit(not all(claim.holds for claim in claims))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--captures", type=Path, required=True, help="folder of captures")
    parser.add_argument("--data", type=Path, required=True, help="folder for the data roots of the runs")
    parser.add_argument("--protocols", nargs="+", choices=PROTOCOLS, default=PROTOCOLS)
    parser.add_argument("--seeds", nargs="+", type=int, help="one run each; without it, the configured seed")
    parser.add_argument("--output", type=Path, help="JSON file to write")
    return parser.parse_args()


def run_main_job(captures: Path, data: Path, protocol: str, seed: int | None) -> Run:
    root = (data / (protocol if seed is None else f"{protocol}_{seed}")).absolute()
    if root.exists():
        raise SystemExit(f"expected a new folder, so that nothing is reused, but {root} exists: delete it")
    settings = {
        "captures": captures.absolute(),
        "data": root,
        "biometrics.data_engineering.protocol.kind": protocol,
        **({} if seed is None else {"seed": seed}),
    }
    joined = ",".join(f"{name}={value}" for name, value in settings.items())
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "kedro", "run", "--pipelines", "biometrics", f"--params={joined}"],
        cwd=PROJECT,
        start_new_session=True,
    )
    peak_gib = watch_memory(process)
    wall_s = time.perf_counter() - began
    if process.returncode:
        raise SystemExit(f"the main job failed with status {process.returncode}: {root}")
    metrics = json.loads((root / "08_reporting/biometrics/metrics.json").read_text())
    return Run(protocol, metrics["protocol"]["seed"], wall_s, peak_gib, metrics)


def watch_memory(process: subprocess.Popen[bytes]) -> float:
    """Wait for a process; return the most GiB that it and its descendants held in memory at one time."""
    peaks = [0]
    done = threading.Event()

    def sample() -> None:
        while not done.wait(SAMPLE_EVERY_S):
            peaks.append(sum(resident_bytes(process.pid)))

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    done.set()
    sampler.join()
    unit = 1 if sys.platform == "darwin" else 1024
    return max(*peaks, used.ru_maxrss * unit) / GIB


def resident_bytes(session: int) -> Iterator[int]:
    """Give the resident memory of each process of a session, where there is a /proc to read it from."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == session:
                yield int(fields[21]) * resource.getpagesize()
        except OSError:  # it has ended
            continue


def report(run: Run) -> None:
    people = run.metrics["protocol"]["subjects"]
    print(f"\n{run.protocol}, seed {run.seed}: {people} subjects tested, ", end="")
    print(f"{run.wall_s:.0f} s, {run.peak_gib:.2f} GiB at most")
    print(f"{'figure':34}{'EER':>24}{'FNMR at FMR 1 %':>26}{'FNMR at FMR 0.1 %':>26}{'rank-1':>24}  counts")
    for name, one in run.metrics["verification"].items():
        named = run.metrics["identification"][name]
        at = [one["fnmr_at_fmr"][fmr] for fmr in ("0.01", "0.001")]
        cells = (
            f"{name:34}{rate(one['eer'], one['eer_interval']):>24}",
            *(f"{rate(x['fnmr'], x['interval']) + ('' if x['fmr_supported'] else '*'):>26}" for x in at),
            f"{rate(named['rank_1_with_failures'], named['rank_1_with_failures_interval']):>24}  ",
            f"{one['mated']} mated, {one['non_mated']} non-mated; ",
            f"{named['probes_attempted']} probes ({named['probes_failed']} failed), ",
            f"{named['enrolled']} enrolled",
        )
        print("".join(cells))
    print(
        "  in %, with 95 % intervals over resampled subjects; * fewer than 3 / FMR pairs of subjects: too few"
    )
    for name, one in run.metrics["failure_to_acquire"].items():
        failures = f"{one['failed']} of {one['attempted']} ({rate(one['rate'], one['interval'])})"
        print(f"  failures to acquire, {name}: {failures} {one['reasons'] or ''}")


def rate(value: float, interval: Sequence[float]) -> str:
    low, high = interval
    return f"{value:.2%} [{low:.2%}, {high:.2%}]".replace("%", "")


def report_spread(runs: Sequence[Run]) -> None:
    """Print, for each protocol with several seeds, how much the figures differ between them."""
    for protocol in PROTOCOLS:
        same = [run.metrics for run in runs if run.protocol == protocol]
        if len(same) < 2:
            continue
        print(f"\n{protocol}, {len(same)} seeds: least, median and most, in %")
        for name in same[0]["verification"]:
            eers = [metrics["verification"][name]["eer"] for metrics in same]
            ranks = [metrics["identification"][name]["rank_1_with_failures"] for metrics in same]
            print(f"{name:34}EER {spread(eers):24} rank-1 {spread(ranks)}")


def spread(values: Sequence[float]) -> str:
    return " ".join(f"{100 * value:.2f}" for value in (min(values), statistics.median(values), max(values)))


def check(run: Run) -> Iterator[Claim]:
    """Compare one run with every claim that is about its protocol."""
    title = f"{run.protocol}, seed {run.seed}"
    named = {name: one["rank_1_with_failures"] for name, one in run.metrics["identification"].items()}
    if run.protocol == "closed_set":
        yield at_least(title, "rank-1 of irises", named["irises"], LEAST_RANK_1_OF_IRISES)
        for iris in IRISES:
            yield at_least(title, f"rank-1 of {iris}", named[iris], LEAST_RANK_1_OF_AN_IRIS)
    else:
        yield at_most(
            title, "EER of irises", run.metrics["verification"]["irises"]["eer"], MOST_EER_OF_IRISES
        )
    for iris in IRISES:
        failed = run.metrics["failure_to_acquire"][iris]["rate"]
        yield at_most(title, f"failures to acquire {iris}", failed, MOST_IRIS_FAILURES)
    yield at_most(title, "wall time, s", run.wall_s, MOST_WALL_S)
    yield at_most(title, "peak memory, GiB", run.peak_gib, MOST_MEMORY_GIB)


def at_least(run: str, what: str, measured: float, bound: float) -> Claim:
    return Claim(run, what, f">= {bound:g}", measured, measured >= bound)


def at_most(run: str, what: str, measured: float, bound: float) -> Claim:
    return Claim(run, what, f"<= {bound:g}", measured, measured <= bound)


def report_claims(claims: Sequence[Claim]) -> None:
    print(f"\n{'claim':60}{'bound':>10}{'measured':>12}")
    for one in claims:
        verdict = "holds" if one.holds else "DOES NOT HOLD"
        print(f"{one.run + ': ' + one.what:60}{one.bound:>10}{one.measured:12.4f}  {verdict}")


if __name__ == "__main__":
    main()
