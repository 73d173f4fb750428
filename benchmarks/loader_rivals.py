"""Other loaders of the same samples, each in a process of its own that is driven epoch by epoch."""

import argparse
import json
import os
import subprocess
import sys
import venv
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from torch.utils.data import DataLoader

import selfsame
from loader_samples import BATCH, SIZES
from rounds import Cost, processor_s

RIVALS = ("webdataset", "litdata", "mosaicml-streaming")
PACKED_BYTES = 2**26
SCRIPT = Path(__file__).with_name("loader.py")
SHUFFLED = 1000


def start_rivals(folder: Path, asked: argparse.Namespace, stack: ExitStack) -> dict[str, Callable[[], Cost]]:
    """Start a process for every other loader, with 0 and with 2 workers."""
    python = prepare_environment(asked.environment)
    designs: dict[str, Callable[[], Cost]] = {}
    for name in RIVALS:
        for workers in (0, 2):
            given = ("--size", asked.size, "--samples", str(asked.samples), "--folder", str(folder))
            command = [str(python), str(SCRIPT), "--serve", name, "--workers", str(workers), *given]
            server = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=os.environ | {"PYTHONWARNINGS": "ignore", "PYTHONPATH": find_project()},
            )
            stack.enter_context(server)  # closes its input, at which it ends
            designs[f"{name}, {workers} workers"] = lambda server=server: ask(server)
    for design in designs.values():  # one after the other: the first of a kind writes its files
        design()
    return designs


def find_project() -> str:
    """Find the folder that this project is imported from, for an environment that does not have it."""
    return str(Path(selfsame.__file__).parents[1])


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
