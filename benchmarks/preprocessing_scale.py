"""Show what ten times as many captures cost data engineering and preprocessing: time per capture, and memory.

Claims: at the larger size both stages take a capture no more than 1.2 times what they take it at the smaller;
the peak memory of no process grows by more than the tables do, which hold one row a capture and more.
Run: python benchmarks/preprocessing_scale.py --captures FOLDER --data DIR --output scale.json

FOLDER has a folder a subject, such as benchmarks/synthesis_scale.py writes; the smaller size is made of its
first subjects, by hard links. Each stage is a `kedro run` of its own, once a size; `unchanged` repeats the
preprocessing when there is nothing to do (data engineering reads and measures every file each time). Memory
is the greatest resident size that the kernel saw (VmHWM), of Kedro's process and of its largest worker.
Without FOLDER a small sample is made up.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import rounds
from made_up import SETTINGS

STAGES = ("data_engineering", "preprocessing")
UNCHANGED = "preprocessing unchanged"
SLOWER, MIB = 1.2, 1024
ROW_BYTES = 4096
"""What a capture may add to the memory of Kedro's process: its rows in the manifest, in the assignments
(seven, with the default protocols and folds) and in the index, and the copies that pandas makes of them."""
POLL_S = 0.05


@dataclass(frozen=True)
class Stage:
    """What one run took.

    Attributes:
        wall_s: seconds that passed.
        processor_s: seconds of processors, workers included.
        peak_mib: of Kedro's process.
        worker_mib: of its largest worker, 0 where there was none.
    """

    wall_s: float
    processor_s: float
    peak_mib: float
    worker_mib: float


def main() -> int:
    asked = read_arguments()
    with tempfile.TemporaryDirectory(dir=asked.data) as work:
        captures = asked.captures or synthesise(Path(work), max(asked.sizes))
        found: dict[tuple[int, str], Stage] = {}
        counts: dict[int, int] = {}
        for size in sorted(asked.sizes):
            subset = Path(work) / f"captures_{size}"
            counts[size] = link_subjects(captures, subset, size)
            for name in (*STAGES, UNCHANGED):
                stage = name.removesuffix(" unchanged")
                found[size, name] = run_stage(stage, subset, Path(work) / f"data_{size}")
                print(counts[size], name, found[size, name], flush=True)
            shutil.rmtree(subset)
            if not asked.keep:
                shutil.rmtree(Path(work) / f"data_{size}")
    table = {f"{counts[size]} {stage}": describe(one, counts[size]) for (size, stage), one in found.items()}
    return rounds.conclude("preprocessing_scale", table, judge(found, counts), asked)


def read_arguments() -> argparse.Namespace:
    parser = rounds.parser_of(__doc__, rounds=1)
    parser.add_argument(
        "--captures", type=Path, help="a folder of folders, one a subject; made up if not given"
    )
    parser.add_argument("--sizes", type=int, nargs=2, default=[10_000, 100_000], help="numbers of captures")
    parser.add_argument("--data", type=Path, help="where to work; a temporary folder if not given")
    parser.add_argument("--keep", action="store_true", help="keep the larger size's results until the end")
    asked = parser.parse_args()
    if asked.short:
        asked.sizes = [100, 200]
    return asked


def synthesise(work: Path, captures: int) -> Path:
    block = SETTINGS["biometrics"]["synthesis"]
    each = 2 * block["captures_per_eye"] + len(block["fingers"]) * block["captures_per_finger"]
    folder = work / "made" / "captures"
    asked = {"subjects": captures // each, "presentations.known_subjects": 0}
    sizes = ",".join(f"biometrics.synthesis.{name}={value}" for name, value in asked.items())
    run_kedro("synthesis", f"captures={folder},data={work / 'made'},{sizes}")
    return folder


def link_subjects(captures: Path, subset: Path, most: int) -> int:
    """Link the first subjects, whole, until there are `most` captures; count them."""
    count = 0
    for subject in sorted(path for path in captures.iterdir() if path.is_dir()):
        files = [path for path in subject.rglob("*") if path.is_file()]
        if count + len(files) > most:
            break
        for path in files:
            target = subset / path.relative_to(captures)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, target)
        count += len(files)
    if not count:
        raise SystemExit(f"expected in {captures} a folder a subject, each of fewer than {most} captures")
    return count


def run_stage(stage: str, captures: Path, data: Path) -> Stage:
    began, busy = time.perf_counter(), rounds.processor_s()
    own, workers = run_kedro(stage, f"captures={captures},data={data}")
    return Stage(time.perf_counter() - began, rounds.processor_s() - busy, own, workers)


def run_kedro(pipeline: str, parameters: str) -> tuple[float, float]:
    """Run a pipeline, and give the peak memory of Kedro's process and of its largest child, in MiB."""
    command = [sys.executable, "-m", "kedro", "run", "--pipelines", pipeline, f"--params={parameters}"]
    project = Path(__file__).parents[1]
    process = subprocess.Popen(
        command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    told: list[str] = []
    reader = threading.Thread(target=lambda: told.extend(process.stdout or ()))
    reader.start()
    peaks: dict[int, float] = {}
    while process.poll() is None:
        for one in (process.pid, *list_children(process.pid)):
            peaks[one] = read_peak_mib(one) or peaks.get(
                one, 0.0
            )  # the last: it begins anew when a program does
        time.sleep(POLL_S)
    reader.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{''.join(told[-20:])}")
    own = peaks.pop(process.pid, 0.0)
    return own, max(peaks.values(), default=0.0)


def list_children(process: int) -> Sequence[int]:
    found: list[int] = []
    for task in Path(f"/proc/{process}/task").glob("*"):
        try:
            children = [int(one) for one in (task / "children").read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
        found += [*children, *(below for child in children for below in list_children(child))]
    return found


def read_peak_mib(process: int) -> float:
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    line = next((line for line in status.splitlines() if line.startswith("VmHWM")), "VmHWM: 0 kB")
    return int(line.split()[1]) / MIB


def describe(stage: Stage, captures: int) -> rounds.Row:
    return {
        "s": stage.wall_s,
        "ms a capture": 1000 * stage.wall_s / captures,
        "processor ms a capture": 1000 * stage.processor_s / captures,
        "peak MiB": stage.peak_mib,
        "worker MiB": stage.worker_mib,
    }


def judge(found: dict[tuple[int, str], Stage], counts: dict[int, int]) -> list[rounds.Claim]:
    small, large = sorted(counts)
    claims = []
    for stage in STAGES:
        few, many = found[small, stage], found[large, stage]
        slower = (many.processor_s / counts[large]) / (few.processor_s / counts[small])
        claims.append(
            rounds.Claim(f"{stage}: processor time a capture, times that of fewer", slower, slower <= SLOWER)
        )
        added = (many.peak_mib - few.peak_mib) * MIB**2 / (counts[large] - counts[small])
        claims.append(rounds.Claim(f"{stage}: bytes a capture of Kedro's process", added, added <= ROW_BYTES))
        grown = many.worker_mib / few.worker_mib if few.worker_mib else 1.0
        claims.append(
            rounds.Claim(f"{stage}: memory of a worker, times that of fewer", grown, grown <= SLOWER)
        )
    return claims


if __name__ == "__main__":
    sys.exit(main())
