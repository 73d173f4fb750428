"""Kill a training at random moments within its epochs; go on; compare with one that was left alone.

Claims: wherever it is killed, the finished weights are those of an uninterrupted run, bit for bit, and so is
the history but for times; writing the state at the shipped interval costs less than 1 % of the time.
Run: python benchmarks/resume.py --output resume.json

The training is one of made-up patterns at the shipped sizes and parameters, on a CPU. A process of its own
trains with a state after every other step; it is killed (SIGKILL) at a random moment after it began to train,
again and again, and then left to finish. The cost of a state is the time of a training that writes one after
every step, less that of one that writes them at the ends of its epochs, by the number of states.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from rounds import Claim, Spread, conclude, cost_of, parser_of, run_rounds
from selfsame.learning.training.fitting import fit
from selfsame.learning.training.history import tabulate_history
from selfsame.learning.training.state import RunState, read_state
from training_task import make_training

TIMES = ["seconds", "images_per_second"]
SHIPPED_S = 600.0
SEED = 2


def main() -> int:
    parser = parser_of(__doc__, rounds=5)
    parser.add_argument("--subjects", type=int, default=24)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--train", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.short:
        asked.subjects, asked.epochs, asked.kills, asked.rounds = 8, 2, 1, 1  # two batches an epoch
    if asked.train:
        train(asked.train, asked, every=2)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        moments, equal = kill_and_compare(root, asked)
        seconds, states = weigh_states(root, asked)
    share = 100 * seconds.median / SHIPPED_S
    table = {
        "states within epochs": {"kills": len(moments), "s of a state": seconds, "states a run": states},
    }
    claims = [
        Claim(
            f"same weights and history after {len(moments)} kills",
            "equal" if equal else "differs",
            equal,
            exact=True,
        ),
        Claim("a state every 10 minutes costs less than 1 %, %", share, share < 1),
    ]
    return conclude("exact resume within epochs", table, claims, asked)


def train(folder: Path, asked: argparse.Namespace, every: int | None) -> RunState:
    folder.mkdir(parents=True, exist_ok=True)
    checkpoints = {"every_steps": every, "every_minutes": None}
    return fit(*make_training(asked.subjects, max_epochs=asked.epochs, checkpoints=checkpoints), folder)


def kill_and_compare(root: Path, asked: argparse.Namespace) -> tuple[list[float], bool]:
    """Train once alone, and again with kills; give their moments and whether all is equal."""
    began = time.perf_counter()
    expected = train(root / "alone", asked, every=None)
    span_s = time.perf_counter() - began
    rng = random.Random(SEED)
    moments = []
    for _ in range(asked.kills):
        moment_s = rng.uniform(0, span_s / 4)
        if kill_once(root / "killed", asked, moment_s):
            moments.append(moment_s)
    found = train(root / "killed", asked, every=2)
    return moments, is_equal(expected, found)


def kill_once(folder: Path, asked: argparse.Namespace, moment_s: float) -> bool:
    """Let a process train in a folder and kill it so long after it began; say whether it was still at it."""
    command = [sys.executable, __file__, f"--train={folder}"]
    command += [f"--subjects={asked.subjects}", f"--epochs={asked.epochs}"]
    logs = folder / "tensorboard"
    before = len(list(logs.rglob("events*")))
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while process.poll() is None and len(list(logs.rglob("events*"))) == before:
        time.sleep(0.02)
    time.sleep(moment_s)
    process.kill()
    return process.wait() != 0


def is_equal(expected: RunState, found: RunState) -> bool:
    tables = [tabulate_history(one.history).drop(columns=TIMES) for one in (expected, found)]
    names = expected.weights.keys()
    return tables[0].equals(tables[1]) and all(
        torch.equal(expected.weights[name], found.weights[name]) for name in names
    )


def weigh_states(root: Path, asked: argparse.Namespace) -> tuple[Spread, int]:
    """Measure what writing one state takes, by trainings that differ in this alone."""
    number = iter(range(1_000_000))
    states = count_steps(root / "alone", asked)
    rounds = run_rounds(
        {
            "at the ends of epochs": lambda: train(root / f"{next(number)}", asked, every=None),
            "after every step": lambda: train(root / f"{next(number)}", asked, every=1),
        },
        asked.rounds,
    )
    both = [cost_of([one], "after every step").median for one in rounds]
    ends = [cost_of([one], "at the ends of epochs").median for one in rounds]
    return Spread.of((more - less) / states for more, less in zip(both, ends, strict=True)), states


def count_steps(folder: Path, asked: argparse.Namespace) -> int:
    """Count the steps of a run that no epoch's end is written after."""
    state = read_state(folder)
    if state is None:
        raise SystemExit(f"expected a finished training in {folder}, got none")
    _, parameters = make_training(asked.subjects)
    images = round(state.history[0].images_per_second * state.history[0].seconds)
    batches = -(-images // 3 // parameters.batch_size)
    return (batches - 1) * len(state.history)


if __name__ == "__main__":
    sys.exit(main())
