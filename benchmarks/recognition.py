"""Run the workloads on real data sets, tell how well they recognise, and say which claims hold.

    python benchmarks/recognition.py --captures ROOT --prints FVC --data DIR --output recognition.json
    python benchmarks/recognition.py --short

The claims are the constants below, one line each. The short form runs `irises` alone on a small made-up
sample in a temporary folder: easy pictures, whose rates say nothing about real ones.

Three runs, each a `kedro run` in a data root of its own below DIR, which has to be new: nothing is reused.
`biometrics` is the main job on ROOT, with a network for every fold of every protocol, `irises` the irises of
ROOT without a network, `fingerprints` the prints of FVC2002 DB1 set B without one. The time is that of the
whole command; memory is that of all its processes together, sampled, what they share (libraries, mapped
arrays) counted once where the kernel says it (Linux). The script ends with status 1 where a claim does not
hold.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from made_up import make_eyes
from rounds import Claim, Row, conclude, parser_of
from selfsame.metrics.comparisons import Comparisons
from selfsame.metrics.verification import error_curve

PROJECT = Path(__file__).parents[1]
IRISES = ("iris_left", "iris_right")

MOST_EER_OF_AN_IRIS = 0.015  # subject_disjoint, each eye alone, both eyes' comparisons together
MOST_FNMR_OF_AN_IRIS = 0.04  # the same, at an FMR of 0.1 %
MOST_EER_OF_IRISES = 0.003  # subject_disjoint, both eyes fused
LEAST_RANK_1_OF_AN_IRIS = 0.97  # closed_set, one reference a subject
LEAST_RANK_1_OF_IRISES = 1.0  # the same, both eyes fused
MOST_EER_OF_PRINTS = 0.04  # FVC2002 DB1 set B, all pairs, and the first impressions as non-mated pairs
MOST_IRIS_FAILURES = 0.02  # of the iris captures, to acquire
MOST_WALL_S = 15 * 60.0
MOST_MEMORY_GIB = 3.0

SAMPLE_EVERY_S = 0.5
GIB = 2**30


@dataclass(frozen=True)
class Run:
    """One `kedro run`: of which workload, what it cost, where its results are, its metrics.json."""

    workload: str
    root: Path
    wall_s: float
    peak_gib: float
    metrics: dict[str, object]

    def outcome(self, protocol: str, figure: str, comparator: str) -> dict[str, dict]:
        """Find what one comparator or rule reached on one figure under one protocol."""
        (found,) = (
            one
            for one in self.metrics["outcomes"]
            if (one["protocol"], one["figure"], one["comparator"]) == (protocol, figure, comparator)
        )
        return found

    def comparisons(self, protocol: str, figures: Sequence[str], comparator: str) -> pd.DataFrame:
        """Load the scores of some figures together."""
        scores = pd.read_parquet(self.root / f"07_model_output/{self.workload}/scores.parquet")
        chosen = (scores["protocol"] == protocol) & (scores["comparator"] == comparator)
        return scores[chosen & scores["figure"].isin(figures)]


def main() -> int:
    asked = parse_arguments()
    if asked.short:
        with tempfile.TemporaryDirectory() as folder:
            return conclude_runs([run_made_up(Path(folder))], asked)
    root = asked.data.absolute()
    runs = [
        run("biometrics", asked.captures, root, {"biometrics.cross_validation.enabled": "true"}),
        run("irises", asked.captures, root, {}),
    ]
    if asked.prints:
        runs.append(run("fingerprints", asked.prints, root, {"layout": "fvc"}))
    return conclude_runs(runs, asked)


def conclude_runs(runs: Sequence[Run], asked: argparse.Namespace) -> int:
    claims = [claim for one in runs for claim in CHECKS[one.workload](one)]
    return conclude("recognition", {name: row for one in runs for name, row in tabulate(one)}, claims, asked)


def parse_arguments() -> argparse.Namespace:
    parser = parser_of(__doc__, rounds=1)
    parser.add_argument("--captures", type=Path, help="the Kaggle set of irises and prints")
    parser.add_argument("--prints", type=Path, help="FVC2002 DB1 set B")
    parser.add_argument("--data", type=Path, help="folder for the data roots of the runs")
    asked = parser.parse_args()
    if not asked.short and None in (asked.captures, asked.data):
        parser.error("expected --captures ROOT and --data DIR, or --short")
    return asked


def run_made_up(folder: Path) -> Run:
    """Run the irises of a few made-up people."""
    for one in make_eyes(6, 3):
        path = folder / "captures" / one.subject / one.instance / f"{one.number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(one.content)
    quick = {f"irises.{eye}.preprocessing.backend": "sequential" for eye in IRISES}
    quick["irises.evaluation.resamples"] = "100"
    return run("irises", folder / "captures", folder / "data", quick)


def run(workload: str, captures: Path, data: Path, settings: Mapping[str, str]) -> Run:
    root = data / workload
    if root.exists():
        raise SystemExit(f"expected a new folder, so that nothing is reused, but {root} exists: delete it")
    asked = {"captures": captures.absolute(), "data": root, **settings}
    joined = ",".join(f"{name}={value}" for name, value in asked.items())
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "kedro", "run", "--pipelines", workload, f"--params={joined}"],
        cwd=PROJECT,
        start_new_session=True,
    )
    peak_gib = watch_memory(process)
    wall_s = time.perf_counter() - began
    if process.returncode:
        raise SystemExit(f"the run of {workload} failed with status {process.returncode}: {root}")
    metrics = json.loads((root / f"08_reporting/{workload}/metrics.json").read_text())
    return Run(workload, root, wall_s, peak_gib, metrics)


def watch_memory(process: subprocess.Popen[bytes]) -> float:
    """Wait for a process; return the most GiB that it and its descendants held in memory at one time."""
    peaks = [0.0]
    done = threading.Event()

    def sample() -> None:
        while not done.wait(SAMPLE_EVERY_S):
            peaks.append(sum(share_gib(process.pid)))

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    done.set()
    sampler.join()
    unit = 1 if sys.platform == "darwin" else 1024
    return max(peaks) or used.ru_maxrss * unit / GIB


def share_gib(session: int) -> Iterator[float]:
    """Give what each process of a session holds, its part of what several share, where there is a /proc."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == session:
                sizes = (folder / "smaps_rollup").read_text().partition("\nPss:")[2].split()
                yield int(sizes[0]) * 1024 / GIB
        except (OSError, IndexError):  # it has ended
            continue


def tabulate(one: Run) -> Iterator[tuple[str, Row]]:
    """Give a row for the run, one for every outcome in %, and one for each modality's failures to acquire.

    Intervals are of 95 % by subject; * fewer than 3 / FMR pairs of subjects, too few to show that rate.
    """
    yield f"{one.workload}: the run", {"s": one.wall_s, "GiB at most": one.peak_gib}
    for row in one.metrics["outcomes"]:
        verified, named = row["verification"], row["identification"]
        at = {fmr: verified["fnmr_at_fmr"][fmr] for fmr in ("0.01", "0.001")}
        yield (
            f"{one.workload}: {row['protocol']}, {row['figure']}, {row['comparator']}",
            {
                "EER": rate(verified["eer"], verified["eer_interval"]),
                **{
                    f"FNMR at FMR {float(fmr):.1%}": rate(x["fnmr"], x["interval"])
                    + ("" if x["fmr_supported"] else "*")
                    for fmr, x in at.items()
                },
                "rank-1": rate(named["rank_1"], named["rank_1_interval"]) if named else "",
                "mated": verified["mated"],
                "non-mated": verified["non_mated"],
            },
        )
    for name, failed in one.metrics["failure_to_acquire"].items():
        yield (
            f"{one.workload}: failures to acquire, {name}",
            {"failed": failed["failed"], "of": failed["attempted"]},
        )


def rate(value: float, interval: Sequence[float]) -> str:
    low, high = interval
    return f"{value:.2%} [{low:.2%}, {high:.2%}]".replace("%", "")


def check_biometrics(one: Run) -> Iterator[Claim]:
    worse = [verdict for verdict in one.metrics["subsets"] if verdict["worse"]]
    yield at_most(one, "fusions worse than their best member", len(worse), 0)
    yield from check_irises_acquired(one)
    yield at_most(one, "wall time, s", one.wall_s, MOST_WALL_S)
    yield at_most(one, "peak memory, GiB", one.peak_gib, MOST_MEMORY_GIB)


def check_irises(one: Run) -> Iterator[Claim]:
    pooled = one.comparisons("subject_disjoint", IRISES, "iris_code")
    eer, fnmr = pooled_rates(pooled, 0.001)
    yield at_most(one, "EER of an iris", eer, MOST_EER_OF_AN_IRIS)
    yield at_most(one, "FNMR of an iris at FMR 0.1 %", fnmr, MOST_FNMR_OF_AN_IRIS)
    fused = one.outcome("subject_disjoint", "irises", one.metrics["setting"]["fusion"])
    yield at_most(one, "EER of both irises", fused["verification"]["eer"], MOST_EER_OF_IRISES)
    named = [one.outcome("closed_set", iris, "iris_code")["identification"] for iris in IRISES]
    hits = sum(each["rank_1_with_failures"] * each["probes_attempted"] for each in named)
    rank_1 = hits / sum(each["probes_attempted"] for each in named)
    yield at_least(one, "rank-1 of an iris, one reference", rank_1, LEAST_RANK_1_OF_AN_IRIS)
    both = one.outcome("closed_set", "irises", one.metrics["setting"]["fusion"])["identification"]
    yield at_least(
        one, "rank-1 of both irises, one reference", both["rank_1_with_failures"], LEAST_RANK_1_OF_IRISES
    )
    yield from check_irises_acquired(one)


def check_fingerprints(one: Run) -> Iterator[Claim]:
    pairs = one.comparisons("subject_disjoint", ["fingerprint"], "minutiae")
    manifest = pd.read_parquet(one.root / "02_intermediate/fingerprints/manifest.parquet")
    first = set(manifest.loc[manifest["capture_index"] == 1, "capture_id"])
    both_first = pairs["probe"].isin(first) & pairs["reference"].isin(first)
    yield at_most(one, "EER, all non-mated pairs", pooled_rates(pairs, 0.01)[0], MOST_EER_OF_PRINTS)
    fvc = pairs[pairs["mated"] | both_first]
    yield at_most(one, "EER, first impressions non-mated", pooled_rates(fvc, 0.01)[0], MOST_EER_OF_PRINTS)


CHECKS = {"biometrics": check_biometrics, "irises": check_irises, "fingerprints": check_fingerprints}


def check_irises_acquired(one: Run) -> Iterator[Claim]:
    for iris in IRISES:
        failed = one.metrics["failure_to_acquire"][iris]["rate"]
        yield at_most(one, f"failures to acquire {iris}", failed, MOST_IRIS_FAILURES)


def pooled_rates(rows: pd.DataFrame, fmr: float) -> tuple[float, float]:
    """EER and FNMR at an FMR of all comparisons together."""
    curve = error_curve(
        Comparisons(
            rows["score"].to_numpy(np.float64),
            rows["probe_subject"].to_numpy(str),
            rows["reference_subject"].to_numpy(str),
        )
    )
    return float(curve.equal_error_rate()), float(curve.fnmr_at(fmr))


def at_least(one: Run, what: str, measured: float, bound: float) -> Claim:
    return Claim(f"{one.workload}: {what} (at least {bound:g})", float(measured), measured >= bound)


def at_most(one: Run, what: str, measured: float, bound: float) -> Claim:
    return Claim(f"{one.workload}: {what} (at most {bound:g})", float(measured), measured <= bound)


if __name__ == "__main__":
    sys.exit(main())
