"""Measure the training pipeline against a bare PyTorch loop, and what each of its switches gains or loses.

    python benchmarks/training.py [--options] [--rounds 5] [--output training.json]
    python benchmarks/training.py --folds [--epochs 6]  # two networks of folds, one by one and side by side
    python benchmarks/training.py --device cuda        # step time, busy share and peak memory of a GPU, too
    python benchmarks/training.py --short              # made-up data, under 20 s

Claim: training (Lightning, the loader, tallies, log, a state on disk after every epoch) runs at no less than
0.97 of the samples a second of a bare loop over the same model, loss, optimiser, augmentation and batches,
which lie in memory; on a GPU at no less than 0.95.

The captures are made up, of the default sizes, 45 people; the settings are those of conf/base. Of every run
the first epoch is left out, and with it what is built and compiled before. `--options` runs the pipeline
with one switch changed at a time instead. `--folds` claims that two cores train two folds in 0.65 of the time
of one, the start of the processes included.
"""

import argparse
import itertools
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import pandas as pd
import torch
import yaml

from rounds import Claim, Cost, Row, Spread, conclude, cost_of, parser_of, processor_s, run_rounds, speed_of
from selfsame.datasets.arrays import ArraysDataset
from selfsame.learning.embedding.cross_validation import embed_folds
from selfsame.learning.loading.batches import Batch, BatchLoader
from selfsame.learning.randomness import derive_seed, reproducible
from selfsame.learning.training.epochs import EpochEnd
from selfsame.learning.training.fitting import build_recogniser, fit
from selfsame.learning.training.module import TrainingModule
from selfsame.learning.training.plan import EpochPlan
from selfsame.learning.training.task import Task, assemble_task
from selfsame.pipelines.training.params import TrainingParameters
from selfsame.protocols.assignment import assign_captures, view_fold
from selfsame.protocols.splits import ListedReferences, SplitRules
from selfsame.shards.arrays import Shard, ShardedArrays, ShardRecord
from selfsame.shards.checksums import checksum_pixels

PROJECT = Path(__file__).parents[1]
SIZES = {"iris_left": (48, 256), "iris_right": (48, 256), "fingerprint": (96, 96)}
INSTANCES = {"iris_left": ("left",), "iris_right": ("right",), "fingerprint": ("left_thumb", "right_index")}
SHARD_ROWS = 64
PIPELINE, BARE = "training pipeline", "bare loop"
LEAST_SHARE = {"cpu": 0.97, "cuda": 0.95}
MOST_OF_TWO = 0.65
CHANGES: Mapping[str, Mapping[str, object]] = {
    "as shipped": {},
    "bf16-mixed": {"precision": "bf16-mixed"},
    "compile": {"compile": True},
    "channels first": {"channels_last": False},
    "optimiser not fused": {"fused": False},
    "two threads": {"threads": 2},
}


def main() -> int:
    parser = parser_of(__doc__, rounds=5)
    parser.add_argument("--people", type=int, default=45)
    parser.add_argument("--epochs", type=int, default=3, help="of a run, the first of which is not timed")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--options", action="store_true", help="measure the switches instead of the claim")
    parser.add_argument("--folds", action="store_true", help="measure the training of folds instead")
    asked = parser.parse_args()
    if asked.short:
        asked.people, asked.rounds, asked.epochs = 8, 1, 2
    with tempfile.TemporaryDirectory() as folder:
        arrays, indexes = make_captures(Path(folder), asked.people)
        name, compare = "training", compare_loops
        if asked.options or asked.folds:
            name = "switches of training" if asked.options else "training of folds"
            compare = compare_options if asked.options else compare_folds
        table, claims = compare(arrays, indexes, folder, asked)
    return conclude(name, table, claims, asked)


def make_captures(
    folder: Path, people: int, captures: int = 5
) -> tuple[dict[str, ShardedArrays], dict[str, pd.DataFrame]]:
    """Write shards of smooth patterns, one an instance, and of noisy copies of them: its captures."""
    rng = np.random.default_rng(0)
    arrays, indexes = {}, {}
    for modality, (height, width) in SIZES.items():
        pixels, rows = [], []
        for person, instance in itertools.product(range(people), INSTANCES[modality]):
            pattern = cv2.resize(rng.uniform(0, 255, (height // 6, width // 6)), (width, height))
            for capture in range(1, captures + 1):
                image = (pattern + rng.normal(0, 20, pattern.shape)).clip(0, 255).astype(np.uint8)
                pixels.append(np.stack([image, np.full_like(image, 255)]))
                rows.append((f"{person:03}", instance, capture))
        arrays[modality] = write_shards(folder / modality, np.stack(pixels))
        index = pd.DataFrame(rows, columns=["subject_id", "instance", "capture_index"])
        numbers = np.arange(len(index))
        indexes[modality] = index.assign(
            capture_id=[f"{modality}-{i}" for i in numbers], impression=0, modality=modality,
            role="reference", split="train", status="ok", reason=None,
            shard=[f"{i // SHARD_ROWS:08}" for i in numbers], row=numbers % SHARD_ROWS, measures="{}",
        )  # fmt: skip
    return arrays, indexes


def write_shards(folder: Path, pixels: np.ndarray) -> ShardedArrays:
    dataset = ArraysDataset(filepath=str(folder))
    dataset.save(
        [
            Shard(
                f"{first // SHARD_ROWS:08}",
                part := pixels[first : first + SHARD_ROWS],
                ShardRecord(
                    shape=part.shape, xxh128=checksum_pixels(part), entries=(), seconds={}, provisional=False,
                    recipe="",
                ),
            )
            for first in range(0, len(pixels), SHARD_ROWS)
        ]
    )  # fmt: skip
    return dataset.load()


def read_parameters(**changes: object) -> TrainingParameters:
    text = (PROJECT / "conf/base/parameters_training.yml").read_text(encoding="utf-8")
    block = yaml.safe_load(text.replace("${globals:device}", "cpu"))["biometrics"]["training"]
    return TrainingParameters(**{**block, **changes})


def assemble(
    arrays: Mapping[str, ShardedArrays], indexes: Mapping[str, pd.DataFrame], regimen: TrainingParameters
) -> Task:
    return assemble_task(
        arrays, indexes, encoder_of=regimen.encoder_of, encoders=regimen.encoders, regimen=regimen, seed=1
    )


def compare_loops(
    arrays: Mapping[str, ShardedArrays],
    indexes: Mapping[str, pd.DataFrame],
    folder: str,
    asked: argparse.Namespace,
) -> tuple[dict[str, Row], list[Claim]]:
    regimen = read_parameters(max_epochs=asked.epochs, device=asked.device)
    task = assemble(arrays, indexes, regimen)
    images = (asked.epochs - 1) * count_images(task)
    found = run_rounds(
        {
            PIPELINE: partial(run_pipeline, task, regimen, Path(folder)),
            BARE: partial(run_bare, task, regimen, asked.device),
        },
        asked.rounds,
    )
    share, least = speed_of(found, PIPELINE, BARE), LEAST_SHARE[asked.device]
    table = {
        name: {
            "images/s": Spread.of(images / one[name].wall_s for one in found),
            "processor s": cost_of(found, name, "processor_s"),
            "of the bare loop": speed_of(found, name, BARE),
            "by processor time": speed_of(found, name, BARE, "processor_s"),
        }
        for name in (PIPELINE, BARE)
    }
    claims = [Claim(f"training at {least} of a bare loop or more", share, share.median >= least)]
    if asked.device == "cuda":
        table[f"{torch.cuda.get_device_name()}"] = watch_device(task, regimen, Path(folder))
    return table, claims


def count_images(task: Task) -> int:
    """Count the images of an epoch: every row of the fullest modality once, the others as often."""
    return sum(int((step.rows >= 0).sum()) for step in plan_of(task, read_parameters()))


def plan_of(task: Task, regimen: TrainingParameters) -> EpochPlan:
    return EpochPlan(list(task.train.values()), seed=task.origin.seed, batch_size=regimen.batch_size)


def run_pipeline(task: Task, regimen: TrainingParameters, folder: Path) -> Cost:
    """Train from the beginning; what all epochs but the first took."""
    with tempfile.TemporaryDirectory(dir=folder) as workspace, watch_epochs() as ends:
        fit(task, regimen, Path(workspace))
    return Cost(*(last - first for first, last in zip(ends[0], ends[-1], strict=True)))


@contextmanager
def watch_epochs() -> Iterator[list[tuple[float, float]]]:
    """Note the times at the end of every epoch, when all that belongs to it is done."""
    ends: list[tuple[float, float]] = []
    close = EpochEnd.on_train_epoch_end

    def close_and_note(self: EpochEnd, trainer: object, module: object) -> None:
        close(self, trainer, module)
        ends.append((time.perf_counter(), processor_s()))

    with mock.patch.object(EpochEnd, "on_train_epoch_end", close_and_note):
        yield ends


def run_bare(task: Task, regimen: TrainingParameters, device: str) -> Cost:
    """Train with nothing but PyTorch: what all epochs but the first took."""
    with reproducible(task.origin.seed, threads=regimen.threads, deterministic=device == "cpu"):
        recogniser = build_recogniser(task)
        recogniser.lay_out(channels_last=regimen.channels_last)
        module = TrainingModule(
            recogniser, regimen=regimen, augmentations=task.augmentations, plan=plan_of(task, regimen),
            seed=task.origin.seed, finished=0, optimiser_state=None,
        ).to(device)  # fmt: skip
        batches = [copy(batch).to(device) for batch in load(task, regimen)]
        optimiser = module.configure_optimizers()
        module.train()
        ends = []
        for epoch in range(regimen.max_epochs):
            for step, batch in enumerate(batches):
                take_step(module, optimiser, batch, regimen, (epoch, step), device)
            if device == "cuda":
                torch.cuda.synchronize()
            ends.append((time.perf_counter(), processor_s()))
    return Cost(*(last - first for first, last in zip(ends[0], ends[-1], strict=True)))


def take_step(
    module: TrainingModule,
    optimiser: torch.optim.Optimizer,
    batch: Batch,
    regimen: TrainingParameters,
    turn: tuple[int, int],
    device: str,
) -> None:
    generator = torch.Generator(device=device)
    generator.manual_seed(derive_seed(*turn))
    mixed = regimen.precision == "bf16-mixed"
    with torch.autocast(device, torch.bfloat16) if mixed else nullcontext():
        losses = module.compute_losses(batch, regimen.objective.margin_at(0.5), generator)
    optimiser.zero_grad()
    losses.total.backward()
    if regimen.clip_norm is not None:
        torch.nn.utils.clip_grad_norm_(module.parameters(), regimen.clip_norm)
    optimiser.step()


def load(task: Task, regimen: TrainingParameters) -> BatchLoader:
    arrays = [task.arrays[modality] for modality in task.design.modalities]
    return BatchLoader(arrays, plan_of(task, regimen), prefetch=1, pin=False)


def copy(batch: Batch) -> Batch:
    return Batch(tuple(one.clone() for one in batch.images), batch.present.clone(), batch.labels.clone())


def watch_device(task: Task, regimen: TrainingParameters, folder: Path) -> Row:
    """Tell of a GPU's steps: their time, the share of an epoch that it is busy, the most memory it held."""
    torch.cuda.reset_peak_memory_stats()
    busy: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []
    step = TrainingModule.training_step

    def timed(self: TrainingModule, batch: Batch, number: int) -> torch.Tensor:
        begun = torch.cuda.Event(enable_timing=True)
        begun.record()
        busy.append((begun, torch.cuda.Event(enable_timing=True)))
        return step(self, batch, number)

    def ended(_self: TrainingModule, *_: object) -> None:
        busy[-1][1].record()

    with (
        mock.patch.object(TrainingModule, "training_step", timed),
        mock.patch.object(TrainingModule, "on_train_batch_end", ended),
    ):
        cost = run_pipeline(task, regimen, folder)
    torch.cuda.synchronize()
    steady = busy[len(busy) // regimen.max_epochs :]
    steps_s = [first.elapsed_time(last) / 1e3 for first, last in steady]
    return {
        "step ms": Spread.of(1e3 * one for one in steps_s),
        "busy share": sum(steps_s) / cost.wall_s,
        "peak MiB": torch.cuda.max_memory_allocated() / 2**20,
    }


def compare_options(
    arrays: Mapping[str, ShardedArrays],
    indexes: Mapping[str, pd.DataFrame],
    folder: str,
    asked: argparse.Namespace,
) -> tuple[dict[str, Row], list[Claim]]:
    designs: dict[str, Callable[[], Cost]] = {}
    images = 0
    for name, change in CHANGES.items():
        regimen = read_parameters(max_epochs=asked.epochs, device=asked.device, **change)
        task = assemble(arrays, indexes, regimen)
        images = (asked.epochs - 1) * count_images(task)
        designs[name] = partial(run_pipeline, task, regimen, Path(folder))
    found = run_rounds(designs, asked.rounds)
    table = {
        name: {
            "images/s": Spread.of(images / one[name].wall_s for one in found),
            "of as shipped": speed_of(found, name, "as shipped"),
            "by processor time": speed_of(found, name, "as shipped", "processor_s"),
        }
        for name in designs
    }
    return table, []


def compare_folds(
    arrays: Mapping[str, ShardedArrays],
    indexes: Mapping[str, pd.DataFrame],
    folder: str,
    asked: argparse.Namespace,
) -> tuple[dict[str, Row], list[Claim]]:
    """Train two folds of strangers, in this process and in two others."""
    regimen = read_parameters(max_epochs=asked.epochs, device=asked.device)
    captures = pd.concat(indexes.values(), ignore_index=True).drop(columns=["role", "split"])
    assignments = assign_captures(captures, SplitRules(ListedReferences([1, 2, 3]), 0.0, 2, 0.25), 1)
    folds = assignments[assignments["protocol"] == "subject_disjoint"]
    views = {
        name: view_fold(index.assign(protocol=""), assignments, "closed_set", 0)
        for name, index in indexes.items()
    }

    def train(workers: int) -> None:
        with tempfile.TemporaryDirectory(dir=folder) as workspace:
            embed_folds(
                arrays, views, folds, encoder_of=regimen.encoder_of, encoders=regimen.encoders,
                regimen=regimen, seed=1, workspace=Path(workspace), workers=workers,
            )  # fmt: skip

    found = run_rounds({"one by one": partial(train, 1), "side by side": partial(train, 2)}, asked.rounds)
    table = {
        name: {
            "s": cost_of(found, name),
            "processor s": cost_of(found, name, "processor_s"),
            "times one by one": speed_of(found, name, "one by one"),
        }
        for name in ("one by one", "side by side")
    }
    share = Spread.of(one["side by side"].wall_s / one["one by one"].wall_s for one in found)
    return table, [Claim(f"two folds in {MOST_OF_TWO} of the time", share, share.median <= MOST_OF_TWO)]


if __name__ == "__main__":
    sys.exit(main())
