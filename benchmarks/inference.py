"""Measure the embedding of captures against the encoder alone, and its memory.

    python benchmarks/inference.py [--captures 2000] [--more 20000] [--rounds 5] [--output inference.json]
    python benchmarks/inference.py --short              # made-up data, under 20 s

Claims: embedding captures (gathering from memory maps, conversion to floats, encoding, keeping the embeddings
of every shard on disk, the table) runs at no less than 0.9 of the encoder's forward pass on float batches in
memory; a second run, which finds the embeddings, at no less than 10 times that; ten times as many captures
take no more memory than their embeddings and the table of them, MOST_BYTES a capture. Memory is what belongs
to the process alone: memory maps count for nothing.

The captures are random pixels of the default sizes, the networks those of conf/base, not trained.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from rounds import Claim, Row, Spread, conclude, cost_of, parser_of, run_rounds, speed_of
from selfsame.encoders.design import EncoderDesign
from selfsame.learning.checkpoint import Checkpoint, Design, LabelMap, Origin
from selfsame.learning.embedding.captures import embed_captures
from selfsame.learning.embedding.parts import EmbeddingParts
from selfsame.learning.recogniser import Recogniser, restore
from selfsame.learning.training.augmentation import to_float
from selfsame.shards.arrays import ShardedArrays
from training import SHARD_ROWS, SIZES, read_parameters, write_shards

BATCH = 64
STORED = 2048
"""Captures with pixels of their own; beyond, the index names them again."""
LEAST_SHARE, LEAST_AGAIN, MOST_BYTES = 0.9, 10.0, 4096
MODALITIES = ("iris_left", "fingerprint")
BARE, PLAIN, KEPT, AGAIN = "forward alone", "embedding", "embedding, kept by shard", "embedding, found"


def main() -> int:
    parser = parser_of(__doc__, rounds=5)
    parser.add_argument("--captures", type=int, default=2000)
    parser.add_argument("--more", type=int, default=20000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--memory-of", nargs=2, metavar=("FOLDER", "CAPTURES"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    if asked.memory_of:
        print(measure_memory(Path(asked.memory_of[0]), int(asked.memory_of[1])))
        return 0
    if asked.short:
        asked.captures, asked.more, asked.rounds = 128, 256, 1
    with tempfile.TemporaryDirectory() as folder:
        table, claims = compare_speed(Path(folder), asked)
    with tempfile.TemporaryDirectory() as folder:
        grown = compare_memory(Path(folder), (asked.captures, asked.more))
    table |= {f"memory, {n} captures": {"MiB more than at the start": mib} for n, mib in grown.items()}
    each = (grown[asked.more] - grown[asked.captures]) * 2**20 / (asked.more - asked.captures)
    claims.append(
        Claim(f"no more than {MOST_BYTES} bytes a capture, table included", each, each <= MOST_BYTES)
    )
    return conclude("inference", table, claims, asked)


def make_checkpoint() -> Checkpoint:
    """Make the recogniser of conf/base with random weights."""
    parameters = read_parameters()
    encoder_of = {modality: parameters.encoder_of[modality] for modality in MODALITIES}
    designs = {}
    for modality, name in encoder_of.items():
        one, (height, width) = parameters.encoders[name], SIZES[modality]
        designs[name] = EncoderDesign(
            one.name, one.stage, one.channels, one.embedding_size, one.dropout, height, width
        )
    design = Design(encoder_of, designs)
    labels = LabelMap(("p", "q"), dict.fromkeys(designs, (("p", "left"), ("q", "left"))))
    torch.manual_seed(0)
    weights = {name: one.numpy() for name, one in Recogniser(design, labels).state_dict().items()}
    shares = dict.fromkeys(MODALITIES, 1 / len(MODALITIES))
    origin = Origin("", "", dict.fromkeys(MODALITIES, ""), "", "", 0)
    return Checkpoint(design, labels, origin, shares, 1, {}, weights)


def make_captures(folder: Path, modality: str, count: int) -> tuple[ShardedArrays, pd.DataFrame]:
    rng = np.random.default_rng(0)
    once = rng.integers(0, 256, (min(count, STORED), 2, *SIZES[modality]), dtype=np.uint8)
    arrays = write_shards(folder / modality, once)
    numbers = np.arange(count)
    stored = numbers % len(once)
    return arrays, pd.DataFrame({
        "capture_id": numbers.astype(str), "impression": 0, "subject_id": "p", "modality": modality,
        "instance": "left", "capture_index": numbers, "role": "probe", "split": "test", "status": "ok",
        "shard": [f"{row // SHARD_ROWS:08}" for row in stored], "row": stored % SHARD_ROWS,
    })  # fmt: skip


def compare_speed(folder: Path, asked: argparse.Namespace) -> tuple[dict[str, Row], list[Claim]]:
    checkpoint, table, claims = make_checkpoint(), {}, []
    recogniser = restore(checkpoint)
    for modality in MODALITIES:
        arrays, index = make_captures(folder, modality, min(asked.captures, STORED))
        count = len(index)
        batches = [
            to_float(torch.from_numpy(arrays.gather(np.arange(first, min(first + BATCH, count)))))
            for first in range(0, count, BATCH)
        ]
        kept = folder / f"{modality}_kept"
        kept.mkdir()
        embed = partial(embed_captures, checkpoint, modality, arrays, index, batch_size=BATCH, device="cpu")
        embed(parts=EmbeddingParts(kept))
        found = run_rounds(
            {
                BARE: partial(encode, recogniser, modality, batches),
                PLAIN: embed,
                KEPT: lambda embed=embed: embed_afresh(embed, folder),
                AGAIN: lambda embed=embed, kept=kept: embed(parts=EmbeddingParts(kept)),
            },
            asked.rounds,
        )
        for name in (BARE, PLAIN, KEPT, AGAIN):
            table[f"{modality}: {name}"] = {
                "captures/s": Spread.of(count / one[name].wall_s for one in found),
                "processor s": cost_of(found, name, "processor_s"),
                "of forward alone": speed_of(found, name, BARE),
                "by processor time": speed_of(found, name, BARE, "processor_s"),
            }
        share, again = speed_of(found, KEPT, BARE), speed_of(found, AGAIN, KEPT)
        claims += [
            Claim(f"{modality}: {LEAST_SHARE} of the forward pass", share, share.median >= LEAST_SHARE),
            Claim(f"{modality}: {LEAST_AGAIN:g} times as fast again", again, again.median >= LEAST_AGAIN),
        ]
    return table, claims


def encode(recogniser: Recogniser, modality: str, batches: Sequence[torch.Tensor]) -> None:
    with torch.inference_mode():
        for batch in batches:
            recogniser.encode(modality, batch)


def embed_afresh(embed: partial[pd.DataFrame], folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as kept:
        embed(parts=EmbeddingParts(Path(kept)))


def compare_memory(folder: Path, counts: Sequence[int]) -> Mapping[int, float]:
    """Embed so many captures in a process of its own: MiB at the most, more than before the first batch."""
    command = [sys.executable, __file__, "--memory-of", str(folder)]
    # Else the C library keeps large buffers that were given back, now more and now fewer of them.
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "1048576"}
    found = {}
    for count in counts:
        done = subprocess.run([*command, str(count)], check=True, capture_output=True, env=environment)
        found[count] = float(done.stdout)
    return found


def measure_memory(folder: Path, count: int) -> float:
    """Embed prints, and read what belongs to the process after every shard."""
    checkpoint = make_checkpoint()
    with tempfile.TemporaryDirectory(dir=folder) as own:
        arrays, index = make_captures(Path(own), "fingerprint", count)
        embed = partial(embed_captures, checkpoint, "fingerprint", arrays, batch_size=BATCH, device="cpu")
        with tempfile.TemporaryDirectory(dir=own) as kept:
            embed(index.iloc[: 2 * BATCH], parts=EmbeddingParts(Path(kept)))  # libraries and their buffers
        before, most = own_mib(), [own_mib()]

        class Watched(EmbeddingParts):
            def write(self, name: str, embeddings: np.ndarray) -> None:
                super().write(name, embeddings)
                most.append(own_mib())

        with tempfile.TemporaryDirectory(dir=own) as kept:
            table = embed(index, parts=Watched(Path(kept)))
            most.append(own_mib())
        if len(table) != count:
            sys.exit(f"expected {count} embeddings, got {len(table)}")
    return max(most) - before


def own_mib() -> float:
    """Read the memory that is the process's own; pages of mapped files are the system's."""
    (line,) = (one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("RssAnon"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    sys.exit(main())
