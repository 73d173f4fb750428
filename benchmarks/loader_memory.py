"""Measure an epoch over arrays that are larger than the memory that the process may use.

Claims: an epoch over 8 GiB of arrays under a limit of 2 GiB ends; the memory of its own that the process
holds, beside cached pages of the arrays, stays below the limit; the loader reads at 0.7 or more of the speed
at which a plain loop reads the same shuffled rows from the disk, one read a row.
Run:    python benchmarks/loader_memory.py --folder DIR --output loader_memory.json

Arrays of 2x224x224 captures are written to the folder and deleted afterwards. Every design runs in a process
of its own in a control group for memory, which counts the cached pages of files as well; where no group can
be made, RLIMIT_DATA limits the private memory alone, and the table says so. The cache is dropped before each.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

import numpy as np

from rounds import Claim, Spread, conclude, parser_of

GIB = 2**30
SHAPE = (2, 224, 224)
ROW_BYTES = int(np.prod(SHAPE))
SHARD_ROWS = 256
BATCH = 64
READERS = 16
GROUPS = Path("/sys/fs/cgroup")
LOADER, SILENT = "BatchLoader", "BatchLoader that tells the kernel nothing"
FLOOR, DEEP = "pread of the same rows, one at a time", f"pread of the same rows, {READERS} at a time"


def main() -> int:
    parser = parser_of(__doc__, rounds=1)
    parser.add_argument("--gib", type=float, default=8.0, help="of arrays")
    parser.add_argument("--limit", type=float, default=2.0, help="GiB that each process may use")
    parser.add_argument("--share", type=float, default=0.25, help="of the rows that plain reads take")
    parser.add_argument("--folder", type=Path, help="on the disk that is measured")
    parser.add_argument("--design", help="used by the script itself: run one design")
    asked = parser.parse_args()
    if asked.design:
        run_design(asked)
        return 0
    if asked.short:
        asked.gib, asked.limit, asked.rounds = 1.0, 0.75, 1
    if asked.folder:
        asked.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="loader_memory", dir=asked.folder) as folder:
        write_shards(Path(folder), round(asked.gib * GIB / ROW_BYTES / SHARD_ROWS))
        found = [
            {name: start(name, Path(folder), asked) for name in (FLOOR, LOADER, DEEP, SILENT)}
            for _ in range(asked.rounds)
        ]
    return conclude("loader_memory", describe(found), judge(found, asked), asked)


def describe(found: list[dict[str, dict]]) -> dict[str, dict[str, float | str | Spread]]:
    return {
        name: {
            "MiB/s": Spread.of(one[name]["mib"] / one[name]["wall_s"] for one in found),
            "x pread": Spread.of(speed(one, name) / speed(one, FLOOR) for one in found),
            "GiB read": found[0][name]["mib"] / 1024,
            "own memory, MiB": max(one[name]["own_mib"] for one in found),
            "with cache, MiB": max(one[name]["peak_mib"] for one in found),
            "limited by": found[0][name]["limited_by"],
        }
        for name in found[0]
    }


def speed(one: dict[str, dict], name: str) -> float:
    return one[name]["mib"] / one[name]["wall_s"]


def judge(found: list[dict[str, dict]], asked: argparse.Namespace) -> list[Claim]:
    own = max(one[LOADER]["own_mib"] for one in found)
    ratio = Spread.of(speed(one, LOADER) / speed(one, FLOOR) for one in found)
    whole = all(one[LOADER]["rows"] == one[LOADER]["expected"] for one in found)
    text = f"an epoch over {asked.gib} GiB ends under {asked.limit} GiB"
    return [
        Claim(text, "it ended" if whole else "rows are missing", whole, exact=True),
        Claim("memory of its own below the limit, MiB", own, own < asked.limit * 1024),
        Claim("at least 0.7 of plain reads of the same rows", ratio, ratio.median >= 0.7),
    ]


def write_shards(folder: Path, shards: int) -> None:
    block = np.random.default_rng(0).integers(0, 256, (SHARD_ROWS, *SHAPE), dtype=np.uint8)
    for i in range(shards):
        with (folder / f"{i:06}.npy").open("wb") as file:
            np.save(file, block + np.uint8(i % 256))
            file.flush()
            os.fsync(file.fileno())


def drop_cache(folder: Path) -> None:
    for path in folder.glob("*.npy"):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def start(name: str, folder: Path, asked: argparse.Namespace) -> dict:
    """Run one design in a process of its own under the limit, with a cold cache."""
    drop_cache(folder)
    limit = int(asked.limit * GIB)
    group = make_group(limit)
    share = {LOADER: 1.0, SILENT: asked.share / 8}.get(name, asked.share)
    given = ("--share", str(share), "--folder", str(folder))
    command = [sys.executable, __file__, "--design", name, "--limit", str(limit), *given]
    try:
        environment = os.environ | {"LOADER_MEMORY_GROUP": str(group or "")}
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
        return json.loads(done.stdout.splitlines()[-1])
    finally:
        if group:
            group.rmdir()


def make_group(limit: int) -> Path | None:
    """Make a control group with a limit of memory: of version 2, else of version 1, else none."""
    unified = (GROUPS / "cgroup.controllers").exists()
    group = (GROUPS if unified else GROUPS / "memory") / f"loader_memory_{os.getpid()}"
    try:
        group.mkdir()
        (group / ("memory.max" if unified else "memory.limit_in_bytes")).write_text(str(limit))
    except OSError:
        if group.exists():
            group.rmdir()
        return None
    return group


def run_design(asked: argparse.Namespace) -> None:
    group = os.environ["LOADER_MEMORY_GROUP"]
    if group:
        (Path(group) / "cgroup.procs").write_text(str(os.getpid()))
    else:
        resource.setrlimit(resource.RLIMIT_DATA, (int(asked.limit), int(asked.limit)))
    paths = sorted(asked.folder.glob("*.npy"))
    order = np.random.default_rng(1).permutation(len(paths) * SHARD_ROWS)
    order = order[: int(len(order) * asked.share)]
    run = {FLOOR: read_plainly, DEEP: read_deeply, LOADER: load, SILENT: load_silently}[asked.design]
    own = [0.0]
    seconds, rows = run(paths, order, own)
    document = {
        "wall_s": seconds,
        "rows": rows,
        "expected": len(order),
        "mib": rows * ROW_BYTES / 2**20,
        "own_mib": max(own[0], own_mib()),
        "peak_mib": group_peak(Path(group)) if group else float("nan"),
        "limited_by": "control group" if group else "RLIMIT_DATA",
    }
    print(json.dumps(document))


def own_mib() -> float:
    """Read the private memory of this process, without files, in MiB."""
    line = next(one for one in Path("/proc/self/status").read_text().splitlines() if "RssAnon" in one)
    return int(line.split()[1]) / 1024


def group_peak(group: Path) -> float:
    names = ("memory.peak", "memory.max_usage_in_bytes")
    return next((int((group / name).read_text()) / 2**20 for name in names if (group / name).exists()), 0.0)


def read_plainly(
    paths: list[Path], order: np.ndarray, _own: list[float], readers: int = 1
) -> tuple[float, int]:
    files = [os.open(path, os.O_RDONLY) for path in paths]
    start = paths[0].stat().st_size - SHARD_ROWS * ROW_BYTES

    def read(row: int) -> int:
        shard, place = divmod(row, SHARD_ROWS)
        return len(os.pread(files[shard], ROW_BYTES, start + place * ROW_BYTES)) // ROW_BYTES

    for file in files:
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_RANDOM)
    began = perf_counter()
    if readers == 1:
        rows = sum(map(read, order.tolist()))
    else:
        with ThreadPoolExecutor(readers) as pool:
            rows = sum(pool.map(read, order.tolist(), chunksize=BATCH))
    return perf_counter() - began, rows


def read_deeply(paths: list[Path], order: np.ndarray, own: list[float]) -> tuple[float, int]:
    return read_plainly(paths, order, own, READERS)


def load(paths: list[Path], order: np.ndarray, own: list[float]) -> tuple[float, int]:
    from selfsame.learning.loading.batches import BatchLoader, PlanStep
    from selfsame.shards.arrays import ShardedArrays

    arrays = ShardedArrays({path.stem: np.load(path, mmap_mode="r") for path in paths})
    steps = [PlanStep(order[i : i + BATCH, None], order[i : i + BATCH]) for i in range(0, len(order), BATCH)]
    began, rows = perf_counter(), 0
    for batch in BatchLoader([arrays], steps, prefetch=2, pin=False):
        rows += len(batch)
        own[0] = max(own[0], own_mib())
    return perf_counter() - began, rows


def load_silently(paths: list[Path], order: np.ndarray, own: list[float]) -> tuple[float, int]:
    from selfsame.learning.loading.gathering import RowGatherer

    RowGatherer.announce = RowGatherer.leave = lambda _self, _rows: None
    RowGatherer.read_exactly = lambda _self, **_how: None
    return load(paths, order, own)


if __name__ == "__main__":
    sys.exit(main())
