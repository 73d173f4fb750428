"""Measure the preprocessing against the plainest loop over the same captures, on one core and on two.

Claims, of prints, irises and faces: on one core no less than 0.85 of the floor, which reads, decodes and
normalises and keeps nothing; on two cores a parallel efficiency of no less than 0.85: the time on one core as
a share of twice the time on two. The start of worker processes is counted once, in a row of its own; another
row is the floor with the files in memory already. And of plain resizing instead of a normalisation, the task
of which other designs are known: 0.87 of its floor on one core, 0.91 of two floors on two.
Run: python benchmarks/preprocessing.py --captures PATH --faces PATH --output preprocessing.json

PATH holds captures laid out as the Kaggle set, and faces below one folder each subject; without them, made-up
captures are used, taken several times so that a run lasts seconds. Rows other than floors read the files,
compare their checksums, decode, normalise, take the checksums of the pixels and write shards of the shipped
size, through the code that the pipeline runs. One-core rows are pinned to a core.
"""

import argparse
import hashlib
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

import made_up
import rounds
from selfsame.datasets.arrays import ArraysDataset, MadeShardsDataset
from selfsame.datasets.file_tree import FileTree
from selfsame.face.normalisation import normalise_face
from selfsame.fingerprint.normalisation import normalise_fingerprint
from selfsame.imaging.decoding import decode_grey
from selfsame.imaging.normalised import Normalised
from selfsame.imaging.resizing import resize
from selfsame.iris.normalisation import normalise_iris
from selfsame.shards.checksums import checksum
from selfsame.shards.making import Recipe
from selfsame.shards.planning import PlannedImpression, plan_shards
from selfsame.shards.running import make_shards

PRINTS, EYES = ("fingerprint",), ("left", "right", "iris_left", "iris_right")
SUFFIXES = (".bmp", ".png", ".pgm")
ONE_CORE, EFFICIENCY = 0.85, 0.85
BEST_KNOWN = (0.87, 0.91)
"""Of the floor on one core, of two floors on two: OpenCV in a loop to a packed file, and BMP files viewed as
arrays in two processes to a packed file."""

WHITE = 255
WORKERS_END_S = 0.5


def normalise_plainly(image: NDArray[np.uint8], *, height: int, width: int) -> Normalised:
    """Resize only; the whole is visible."""
    return Normalised(resize(image, height, width), np.full((height, width), WHITE, np.uint8))


def make_recipe(normalise: Callable[..., Normalised], height: int, width: int) -> Recipe:
    decode = partial(decode_grey, max_pixels=25_000_000)
    return Recipe(height, width, 0, decode, partial(normalise, height=height, width=width))


class Kind(NamedTuple):
    """What is preprocessed.

    Attributes:
        folders: of its captures; none stands for those of the faces.
        recipe: of its rows.
        rows_per_shard: about the most rows of a shard, as it is shipped.
        times: how often all captures are taken.
    """

    folders: tuple[str, ...]
    recipe: Recipe
    rows_per_shard: int
    times: int


KINDS = {
    "prints": Kind(PRINTS, make_recipe(normalise_fingerprint, 96, 96), 256, 30),
    "irises": Kind(EYES, make_recipe(normalise_iris, 48, 256), 64, 8),
    "faces": Kind((), make_recipe(normalise_face, 56, 46), 256, 80),
    "plain 224x224": Kind((*PRINTS, *EYES), make_recipe(normalise_plainly, 224, 224), 64, 4),
    "plain 64x64": Kind((*PRINTS, *EYES), make_recipe(normalise_plainly, 64, 64), 256, 8),
}


def main() -> int:
    asked = read_arguments()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as made, tempfile.TemporaryDirectory(dir=asked.folder) as written:
        captures, faces = asked.captures or make_up(Path(made)), asked.faces or draw_faces(Path(made))
        table: dict[str, rounds.Row] = {}
        claims: list[rounds.Claim] = []
        for kind in asked.kinds or KINDS:
            of = KINDS[kind]
            root = captures if of.folders else faces
            taken = take_captures(root, of.folders, asked.images, 1 if asked.short else of.times)
            designs = make_designs(root, taken, of, Path(written))
            found = rounds.run_rounds(designs, asked.rounds, clear=partial(empty, Path(written)))
            table |= describe(kind, found, designs, len(taken), asked.by)
            claims += judge(kind, found, asked.by)
    return rounds.conclude("preprocessing", table, claims, asked)


def read_arguments() -> argparse.Namespace:
    parser = rounds.parser_of(__doc__, rounds=5)
    parser.add_argument("--captures", type=Path, help="of prints and irises; made up if not given")
    parser.add_argument("--faces", type=Path, help="made up if not given")
    parser.add_argument("--images", type=int, default=900, help="of each kind, at most")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, help="all if not given")
    parser.add_argument("--folder", type=Path, help="where shards are written; a temporary one if not given")
    parser.add_argument(
        "--by",
        choices=("wall_s", "processor_s"),
        default="wall_s",
        help="time that passes, or that of processors where others use the machine as well",
    )
    asked = parser.parse_args()
    if asked.short:
        asked.images, asked.rounds = min(asked.images, 96), 1
    return asked


def make_up(folder: Path) -> Path:
    """Make eyes and prints up, in the folders that the sample has."""
    for made in [*made_up.make_eyes(6, 4), *made_up.make_prints(24, 2)]:
        inner = made.instance if made.instance.startswith("iris") else PRINTS[0]
        write(folder / "captures" / made.subject / inner / f"{made.instance}_{made.number}.png", made.content)
    return folder / "captures"


def draw_faces(folder: Path) -> Path:
    for made in made_up.make_faces(12, 4):
        write(folder / "faces" / made.subject / f"{made.number}.png", made.content)
    return folder / "faces"


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def take_captures(root: Path, folders: Sequence[str], most: int, times: int) -> list[PlannedImpression]:
    files = [path for path in sorted(root.rglob("*")) if path.suffix.lower() in SUFFIXES]
    suffix = files[0].suffix if files else ""  # AT&T's faces may lie beside pictures made of them
    wanted = [path for path in files if folders or path.suffix == suffix]
    wanted = [path for path in wanted if not folders or path.parent.name.lower() in folders]
    if not wanted:
        raise SystemExit(f"expected captures in {', '.join(folders)} below {root}, found none")
    random.Random(0).shuffle(wanted)
    taken = [plan_capture(root, path) for path in wanted[:most]]
    return [replace(one, identity=f"{i}/{one.path}") for i in range(times) for one in taken]


def plan_capture(root: Path, path: Path) -> PlannedImpression:
    content, relative = path.read_bytes(), path.relative_to(root).as_posix()
    capture_id = hashlib.sha256(content).hexdigest()[:24]
    return PlannedImpression(capture_id, relative, relative, checksum(content), 0, len(content))


def make_designs(
    root: Path, taken: Sequence[PlannedImpression], kind: Kind, folder: Path
) -> dict[str, Callable[[], object]]:
    source, recipe = FileTree("file", str(root)), kind.recipe
    contents = {one.path: source.read(one.path) for one in taken}
    places = {one.path: root / one.path for one in taken}
    plan = plan_shards(taken, rows_per_shard=kind.rows_per_shard, settings="benchmark")
    few = plan_shards(taken[:2], rows_per_shard=1, settings="benchmark")

    def keep_nothing(read: Callable[[str], bytes]) -> None:
        with pinned():
            for one in taken:
                recipe.normalise(recipe.decode(read(one.path)))

    def preprocess(backend: str, workers: int, shards: tuple[object, ...]) -> None:
        writer = MadeShardsDataset(filepath=str(folder / "arrays")).load().writer
        made = make_shards(shards, (), source, recipe, backend=backend, workers=workers, writer=writer)
        ArraysDataset(filepath=str(folder / "arrays")).save(made)

    def preprocess_on_one() -> None:
        with pinned():
            preprocess("sequential", 1, plan)

    return {
        "floor": partial(keep_nothing, lambda path: places[path].read_bytes()),
        "floor in memory": partial(keep_nothing, contents.__getitem__),
        "sequential": preprocess_on_one,
        "threading, 2": partial(preprocess, "threading", 2, plan),
        "loky, 2": partial(preprocess, "loky", 2, plan),
        "loky, 2: start alone": partial(preprocess, "loky", 2, few),
    }


def empty(folder: Path) -> None:
    """Remove what was written; meanwhile worker processes end, for which no run waits."""
    shutil.rmtree(folder / "arrays", ignore_errors=True)
    time.sleep(WORKERS_END_S)


@contextmanager
def pinned() -> Iterator[None]:
    """Keep this process, and the threads that it starts, on one core."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def describe(
    kind: str,
    found: rounds.Rounds,
    designs: dict[str, Callable[[], object]],
    images: int,
    by: rounds.Measure,
) -> dict[str, rounds.Row]:
    def row(name: str) -> rounds.Row:
        processor = rounds.cost_of(found, name, "processor_s").median
        shares = {"of floor": rounds.speed_of(found, name, "floor", by)} if "start" not in name else {}
        wall = {"images/s": images / rounds.cost_of(found, name).median} if shares else {}
        return {
            **wall,
            "s": rounds.cost_of(found, name).median,
            "processor ms": 1000 * processor / images,
            **shares,
        }

    return {f"{kind}: {name}": row(name) for name in designs}


def judge(kind: str, found: rounds.Rounds, by: rounds.Measure) -> Iterator[rounds.Claim]:
    plain = kind.startswith("plain")
    one, two = BEST_KNOWN if plain else (ONE_CORE, EFFICIENCY)
    base, called = ("floor", "two floors") if plain else ("sequential", "parallel efficiency")
    alone = rounds.speed_of(found, "sequential", "floor", by)
    yield rounds.Claim(f"{kind}, one core: {one} of the floor", alone, alone.median >= one)
    threads = rounds.Spread.of(share_of_two(each, by, base, "threading, 2") for each in found)
    processes = rounds.Spread.of(
        share_of_two(each, by, base, "loky, 2", "loky, 2: start alone") for each in found
    )
    best = max(threads, processes, key=lambda spread: spread.median)
    yield rounds.Claim(
        f"{kind}, two cores: {two} of {called} (threads {threads.median:.3g}, processes "
        f"{processes.median:.3g}, their start apart), the better",
        best,
        best.median >= two,
    )


def share_of_two(
    costs: rounds.Mapping[str, rounds.Cost], by: rounds.Measure, base: str, name: str, start: str = ""
) -> float:
    """Compare with two of a kind at once: half its time, or as much of the processors' time."""
    taken = {design: getattr(cost, by) for design, cost in costs.items()}
    whole = taken[base] / 2 if by == "wall_s" else taken[base]
    return whole / (taken[name] - taken.get(start, 0.0))


if __name__ == "__main__":
    sys.exit(main())
