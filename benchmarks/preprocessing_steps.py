"""Measure what the preprocessing of a capture costs beside decoding and normalising it.

No claim: reading with and without checks, checksums, making a shard that is then dropped, and writing shards
of 64 and of 256 rows, in turn, on one core; processor time of each, in us a capture.
Run: python benchmarks/preprocessing_steps.py --captures PATH --faces PATH --output preprocessing_steps.json

PATHs as for `preprocessing.py`; made-up captures without them. Nothing of this is flushed to the disk.
"""

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import cv2

import rounds
from preprocessing import KINDS, Kind, draw_faces, empty, make_up, pinned, take_captures
from selfsame.datasets.file_tree import FileTree
from selfsame.datasets.shard_files import LocalShards
from selfsame.shards.checksums import checksum
from selfsame.shards.making import make_shard
from selfsame.shards.planning import PlannedImpression, plan_shards

ROWS = (64, 256)


def main() -> int:
    asked = read_arguments()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as made, tempfile.TemporaryDirectory() as written, pinned():
        captures, faces = asked.captures or make_up(Path(made)), asked.faces or draw_faces(Path(made))
        table: dict[str, rounds.Row] = {}
        for name in ("prints", "irises", "faces"):
            kind = KINDS[name]
            root = captures if kind.folders else faces
            taken = take_captures(root, kind.folders, 900, asked.times)
            designs = make_designs(root, taken, kind, Path(written))
            found = rounds.run_rounds(designs, asked.rounds, clear=partial(empty, Path(written)))
            for design in designs:
                costs = [1e6 * one[design].processor_s / len(taken) for one in found]
                table[f"{name}: {design}"] = {"us a capture": rounds.Spread.of(costs)}
    return rounds.conclude("steps of preprocessing", table, [], asked)


def read_arguments() -> argparse.Namespace:
    parser = rounds.parser_of(__doc__, rounds=5)
    parser.add_argument("--captures", type=Path, help="of prints and irises; made up if not given")
    parser.add_argument("--faces", type=Path, help="made up if not given")
    parser.add_argument("--times", type=int, default=4, help="how often all captures are taken")
    asked = parser.parse_args()
    if asked.short:
        asked.rounds, asked.times = 1, 1
    return asked


def make_designs(
    root: Path, taken: Sequence[PlannedImpression], kind: Kind, folder: Path
) -> dict[str, Callable[[], object]]:
    source, recipe = FileTree("file", str(root)), kind.recipe
    places = [root / one.path for one in taken]
    contents = {one.path: source.read(one.path) for one in taken}
    plans = {rows: plan_shards(taken, rows_per_shard=rows, settings="benchmark") for rows in ROWS}
    shards = {rows: [make_shard(planned, source, recipe) for planned in plans[rows]] for rows in ROWS}

    def each(do: Callable[[PlannedImpression], object]) -> None:
        for one in taken:
            do(one)

    def read_plainly() -> None:
        for place in places:
            place.read_bytes()

    def make(rows: int) -> None:
        for planned in plans[rows]:
            make_shard(planned, source, recipe)

    def write(rows: int) -> None:
        files = LocalShards(folder / "arrays")
        files.prepare()
        for shard in shards[rows]:
            files.write(shard)

    return {
        "pathlib's read_bytes": read_plainly,
        "reading, with checks": partial(each, lambda one: source.read(one.path, at_most=one.size + 1)),
        "SHA-256 of the bytes": partial(each, lambda one: hashlib.sha256(contents[one.path]).hexdigest()),
        "XXH3 of the bytes": partial(each, lambda one: checksum(contents[one.path])),
        "reading, decoding, normalising": partial(
            each, lambda one: recipe.normalise(recipe.decode(source.read(one.path)))
        ),
        "making a shard, dropped": partial(make, kind.rows_per_shard),
        **{f"writing shards of {rows}": partial(write, rows) for rows in ROWS},
    }


if __name__ == "__main__":
    sys.exit(main())
