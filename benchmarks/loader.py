"""Measure the batch loader against plain copies and against other loaders, on the same samples.

Claims: at least 0.8 of memcpy of the same shuffled rows; at least 60 times a DataLoader of one .npy an image;
at least 20 times WebDataset, litdata and mosaicml-streaming with the better of 0 and 2 workers.
Run:    python benchmarks/loader.py --environment build/loaders --output loader.json
        python benchmarks/loader.py --environment build/loaders --size 224 --samples 2000

A sample is three captures of random pixels, each an image and its mask as here (2 channels, uint8), at the
default sizes or at 224x224; every design hands out the same bytes in batches, all from the page cache: each
time it runs an epoch that does not count, and then one that does.
The other loaders are installed into the environment that is named (made where it is missing; it sees the
packages of this one, so torch is not installed again); without one they are left out. Each runs in a process
of its own, which is driven round by round, so that all designs are interleaved.

Shuffling: BatchLoader, the DataLoader of files and the memcpy of shuffled rows read one true permutation.
WebDataset shuffles the shards and a buffer of 1,000 samples, litdata and mosaicml-streaming chunks or blocks
and the samples within. Beside a memcpy of the same rows there is one of rows in order, which no shuffled
loader can reach where rows are small: memory is slower at the beginning of a row than further on.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from rounds import Claim, Cost, Spread, conclude, cost_of, parser_of, processor_s, speed_of

SIZES = {"default": ((48, 256), (48, 256), (96, 96)), "224": ((224, 224),) * 3}
SHARD_ROWS = 64
BATCH = 64
RIVALS = ("webdataset", "litdata", "mosaicml-streaming")
PACKED_BYTES = 2**26
SHUFFLED = 1000
LOADER, FILES = "BatchLoader", "one .npy an image, DataLoader"
IN_ORDER, PERMUTED = "memcpy of rows in order", "memcpy of the same shuffled rows"


def main() -> None:
    parser = parser_of(__doc__, rounds=5)
    parser.add_argument("--size", choices=sorted(SIZES), default="default")
    parser.add_argument("--samples", type=int, default=4096)
    parser.add_argument("--environment", type=Path, help="a folder; other loaders are left out without it")
    parser.add_argument("--serve", choices=RIVALS, help="used by the script itself: run one other loader")
    parser.add_argument("--workers", type=int, default=0, help="likewise")
    parser.add_argument("--folder", type=Path, help="likewise")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if asked.serve:
        serve(asked)
        return
    if asked.short:
        asked.samples, asked.rounds = 512, 2
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="loader")))
        designs = make_designs(folder, asked.samples, SIZES[asked.size])
        if asked.environment:
            designs |= start_rivals(folder, asked, stack)
        rounds = run_rounds(designs, asked.rounds)
    table = {name: describe(rounds, name, asked.samples) for name in designs}
    conclude(f"loader, {asked.size} sizes", table, list(judge(rounds)), asked)


def describe(rounds: list[dict[str, Cost]], name: str, samples: int) -> dict[str, float | Spread]:
    return {
        "samples/s": samples / cost_of(rounds, name).median,
        "x memcpy in order": speed_of(rounds, name, IN_ORDER),
        "x memcpy shuffled": speed_of(rounds, name, PERMUTED),
        "x .npy files": speed_of(rounds, name, f"{FILES}, 0 workers"),
        "by processor": speed_of(rounds, name, f"{FILES}, 0 workers", by="processor_s"),
    }


def judge(rounds: list[dict[str, Cost]]) -> Iterator[Claim]:
    for floor, least in ((PERMUTED, 0.8), (IN_ORDER, 0.8)):
        found = speed_of(rounds, LOADER, floor)
        yield Claim(f"at least {least} of {floor}", found, found.median >= least)
    for rival, least in ((FILES, 60), *((one, 20) for one in RIVALS)):
        for workers in ("0 workers", "2 workers") if f"{rival}, 0 workers" in rounds[0] else ():
            found = speed_of(rounds, LOADER, f"{rival}, {workers}")
            yield Claim(f"at least {least} times {rival}, {workers}", found, found.median >= least)


def run_rounds(designs: Mapping[str, Callable[[], Cost]], rounds: int) -> list[dict[str, Cost]]:
    """As `rounds.run_rounds`, where a design tells its own cost."""
    order = random.Random(0)
    names = sorted(designs)
    return [{name: designs[name]() for name in order.sample(names, len(names))} for _ in range(rounds + 1)][
        1:
    ]


def drain(design: Callable[[], Iterable[object]]) -> Callable[[], Cost]:
    def run() -> Cost:
        for _ in design():  # the kernel takes the pages of files back while other designs run
            pass
        began, busy = perf_counter(), processor_s()
        for _ in design():
            pass
        return Cost(perf_counter() - began, processor_s() - busy)

    return run


def make_designs(
    folder: Path, samples: int, sizes: tuple[tuple[int, int], ...]
) -> dict[str, Callable[[], Cost]]:
    from selfsame.learning.batches import BatchLoader, PlanStep

    arrays = write_samples(folder, samples, sizes)
    order = np.random.default_rng(1).permutation(samples)
    rows = np.repeat(order[:, None], len(sizes), axis=1)
    steps = [PlanStep(rows[i : i + BATCH], order[i : i + BATCH]) for i in range(0, samples, BATCH)]
    loader = BatchLoader(arrays, steps, prefetch=2, pin=False)
    files = FilePerImage(folder, order, len(sizes))
    memory = [one.gather(np.arange(samples)).reshape(samples, -1) for one in arrays]
    ring = [[np.empty((BATCH, one.shape[1]), dtype=np.uint8) for one in memory] for _ in range(3)]

    def copy_in_order() -> Iterator[object]:
        for first in range(0, samples, BATCH):
            for source, target in zip(memory, ring[0], strict=True):
                np.copyto(target[: samples - first], source[first : first + BATCH])
            yield ring[0]

    def copy_shuffled() -> Iterator[object]:
        for i, step in enumerate(steps):
            for source, target in zip(memory, ring[i % len(ring)], strict=True):
                np.take(source, step.labels, axis=0, out=target[: len(step.labels)], mode="clip")
            yield ring[i % len(ring)]

    found = {IN_ORDER: copy_in_order, PERMUTED: copy_shuffled, LOADER: lambda: loader}
    for workers in (0, 2):
        found[f"{FILES}, {workers} workers"] = lambda workers=workers: DataLoader(
            files, batch_size=BATCH, num_workers=workers
        )
    return {name: drain(design) for name, design in found.items()}


def write_samples(folder: Path, samples: int, sizes: tuple[tuple[int, int], ...]) -> list:
    """Write random captures as shards, and each as a file of its own."""
    from selfsame.datasets import ArraysDataset
    from selfsame.imaging.arrays import Shard, ShardRecord
    from selfsame.imaging.checksums import checksum_pixels

    rng = np.random.default_rng(0)
    loaded = []
    for m, (height, width) in enumerate(sizes):
        (folder / f"{m}").mkdir()
        shards = []
        for first in range(0, samples, SHARD_ROWS):
            rows = min(SHARD_ROWS, samples - first)
            pixels = rng.integers(0, 256, (rows, 2, height, width), dtype=np.uint8)
            facts = {"entries": (), "seconds": {}, "provisional": False, "recipe": ""}
            record = ShardRecord(shape=pixels.shape, xxh128=checksum_pixels(pixels), **facts)
            shards.append(Shard(f"{first:08}", pixels, record))
            for row, image in enumerate(pixels):
                np.save(folder / f"{m}" / f"{first + row}.npy", image)
        dataset = ArraysDataset(filepath=str(folder / f"arrays{m}"))
        dataset.save(shards)
        loaded.append(dataset.load())
    return loaded


class FilePerImage(Dataset[tuple[torch.Tensor, ...]]):
    """The usual way: one .npy file an image, loaded where the sample is asked for."""

    def __init__(self, folder: Path, order: np.ndarray, modalities: int) -> None:
        self._folder, self._order, self._modalities = folder, order, modalities

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, ...]:
        names = (self._folder / f"{m}" / f"{self._order[i]}.npy" for m in range(self._modalities))
        return tuple(torch.from_numpy(np.load(name)) for name in names)


def start_rivals(folder: Path, asked: argparse.Namespace, stack: ExitStack) -> dict[str, Callable[[], Cost]]:
    """Start a process for every other loader, with 0 and with 2 workers."""
    python = prepare_environment(asked.environment)
    designs: dict[str, Callable[[], Cost]] = {}
    for name in RIVALS:
        for workers in (0, 2):
            given = ("--size", asked.size, "--samples", str(asked.samples), "--folder", str(folder))
            command = [str(python), __file__, "--serve", name, "--workers", str(workers), *given]
            server = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=os.environ | {"PYTHONWARNINGS": "ignore"},
            )
            stack.enter_context(server)  # closes its input, at which it ends
            designs[f"{name}, {workers} workers"] = lambda server=server: ask(server)
    for design in designs.values():  # one after the other: the first of a kind writes its files
        design()
    return designs


def ask(server: "subprocess.Popen[str]") -> Cost:
    server.stdin.write("go\n")
    server.stdin.flush()
    while line := server.stdout.readline():
        if line.startswith("cost "):
            return Cost(*json.loads(line.removeprefix("cost ")))
    raise SystemExit(f"expected figures of {server.args}, but it ended: see above")


def prepare_environment(folder: Path) -> Path:
    """Make an environment that sees the packages of this one, and install the other loaders into it."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        site = folder / "lib" / f"python3.{sys.version_info.minor}" / "site-packages" / "shared.pth"
        site.write_text("\n".join(path for path in sys.path if path.endswith("site-packages")) + "\n")
        wanted = Path(__file__).with_name("requirements-loaders.txt")
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", wanted], check=True)
    return python


def serve(asked: argparse.Namespace) -> None:
    """Run an epoch of another loader whenever a line comes in, and tell what it took."""
    target, loader = asked.folder / asked.serve, None
    for _ in sys.stdin:
        if not target.exists():
            WRITERS[asked.serve](asked, target)
        if loader is None:
            loader = READERS[asked.serve](target, asked)
        for _ in loader:  # as in `drain`
            pass
        began, busy, seen = perf_counter(), processor_s(), 0
        for batch in loader:
            seen += len(batch[0])
        if seen != asked.samples:
            raise SystemExit(f"expected {asked.samples} samples of {asked.serve}, got {seen}")
        print("cost", json.dumps([perf_counter() - began, processor_s() - busy]), flush=True)


def read_sample(folder: Path, row: int) -> list[np.ndarray]:
    return [np.load(folder / f"{m}" / f"{row}.npy") for m in range(3)]


def write_webdataset(asked: argparse.Namespace, target: Path) -> None:
    import webdataset

    target.mkdir()
    with webdataset.ShardWriter(str(target / "%06d.tar"), maxsize=PACKED_BYTES, verbose=0) as writer:
        for row in range(asked.samples):
            pixels = {f"{m}.bin": one.tobytes() for m, one in enumerate(read_sample(asked.folder, row))}
            writer.write({"__key__": f"{row:08}", **pixels})


def read_webdataset(target: Path, asked: argparse.Namespace) -> Iterable:
    import webdataset

    shapes = [(2, *size) for size in SIZES[asked.size]]

    def view(sample: dict[str, bytes]) -> tuple[torch.Tensor, ...]:
        return tuple(
            torch.frombuffer(bytearray(sample[f"{m}.bin"]), dtype=torch.uint8).reshape(shape)
            for m, shape in enumerate(shapes)
        )

    files = sorted(str(path) for path in target.glob("*.tar"))
    found = webdataset.WebDataset(files, shardshuffle=len(files), empty_check=False)
    return DataLoader(found.shuffle(SHUFFLED).map(view).batched(BATCH), None, num_workers=asked.workers)


def write_litdata(asked: argparse.Namespace, target: Path) -> None:
    from litdata.streaming.writer import BinaryWriter

    target.mkdir()
    writer = BinaryWriter(str(target), chunk_bytes=PACKED_BYTES)
    for row in range(asked.samples):
        writer.add_item(row, {str(m): one for m, one in enumerate(read_sample(asked.folder, row))})
    writer.done()
    writer.merge(1)


def read_litdata(target: Path, asked: argparse.Namespace) -> Iterable:
    import litdata

    found = litdata.StreamingDataset(str(target), shuffle=True)
    loader = litdata.StreamingDataLoader(found, batch_size=BATCH, num_workers=asked.workers)
    return Listed(loader)


def write_streaming(asked: argparse.Namespace, target: Path) -> None:
    from streaming import MDSWriter

    columns = {
        str(m): f"ndarray:uint8:2,{height},{width}" for m, (height, width) in enumerate(SIZES[asked.size])
    }
    with MDSWriter(out=str(target), columns=columns, size_limit=PACKED_BYTES) as writer:
        for row in range(asked.samples):
            writer.write({str(m): one for m, one in enumerate(read_sample(asked.folder, row))})


def read_streaming(target: Path, asked: argparse.Namespace) -> Iterable:
    from streaming import StreamingDataset

    copy = target if asked.workers == 0 else target.with_name("mosaicml-streaming-2")
    if copy != target and not copy.exists():  # two processes may not share a local folder
        copy.symlink_to(target, target_is_directory=True)
    found = StreamingDataset(local=str(copy), shuffle=True, batch_size=BATCH)
    return Listed(DataLoader(found, batch_size=BATCH, num_workers=asked.workers))


class Listed:
    """Batches that are dictionaries, as lists."""

    def __init__(self, batches: Iterable[Mapping[str, torch.Tensor]]) -> None:
        self._batches = batches

    def __iter__(self) -> Iterator[list[torch.Tensor]]:
        return (list(batch.values()) for batch in self._batches)


WRITERS = dict(zip(RIVALS, (write_webdataset, write_litdata, write_streaming), strict=True))
READERS = dict(zip(RIVALS, (read_webdataset, read_litdata, read_streaming), strict=True))


if __name__ == "__main__":
    main()
