"""Train in one process and in two (gloo, CPU): the same curve, the speed, a killed process, another number.

Claims: with the same global batch the losses of two processes are those of one to 1e-4 of them, as long as
training does not magnify the rounding of sums; where it does, at the shipped learning rate, two processes are
no further from one than one process is from itself with two threads. A killed process ends the run within
30 s, and the run goes on in another number of processes.
Run: python benchmarks/several_processes.py --output several_processes.json

The training is one of made-up patterns at the shipped sizes, parameters and dropout, one thread a process;
rounding is hardly magnified at a thirtieth of the shipped learning rate.
Images a second are those of whole epochs after the first: the start of processes is not in them. NCCL and
several machines are not measured here.
"""

import argparse
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from rounds import Claim, Spread, conclude, parser_of, run_rounds
from selfsame.errors import SelfsameError
from selfsame.learning.training.fitting import fit
from selfsame.learning.training.state import WITHIN_NAME, RunState
from training_task import make_training

CLOSE, GENTLE = 1e-4, 1e-4
ENDED_S = 30.0
OFTEN = {"every_steps": 1, "every_minutes": None}


def main() -> int:
    parser = parser_of(__doc__, rounds=3)
    parser.add_argument("--subjects", type=int, default=40)
    parser.add_argument("--epochs", type=int, default=5)
    asked = parser.parse_args()
    if asked.short:
        asked.subjects, asked.epochs, asked.rounds = 8, 2, 0  # two batches an epoch, warming up alone
    with tempfile.TemporaryDirectory() as folder:
        table, claims = measure(Path(folder), asked)
    return conclude("training in several processes", table, claims, asked)


def measure(
    root: Path, asked: argparse.Namespace
) -> tuple[dict[str, dict[str, Spread | float]], list[Claim]]:
    states: dict[int, list[RunState]] = {1: [], 2: []}
    run_rounds(
        {
            f"{count}": lambda count=count: states[count].append(
                train(root, asked, devices=count, learning_rate=GENTLE)
            )
            for count in states
        },
        asked.rounds,
    )
    one, two = states[1][0], states[2][0]
    plain = train(root, asked)
    shipped = difference(plain, train(root, asked, devices=2))
    threads = difference(plain, train(root, asked, threads=2))
    ended_s, resumed = kill_and_go_on(root / "killed", asked)
    rates = {count: [rate_of(state) for state in found[1:] or found] for count, found in states.items()}
    ratio = Spread.of(b / a for a, b in zip(rates[1], rates[2], strict=True))
    table: dict[str, dict[str, Spread | float]] = {
        "one process": {"images/s": Spread.of(rates[1]), "of one": 1.0},
        "two processes": {
            "images/s": Spread.of(rates[2]),
            "of one": ratio,
            "loss apart": difference(one, two),
            "loss apart, shipped rate": shipped,
        },
        "one process, two threads": {"loss apart, shipped rate": threads},
    }
    apart, gap = share(one, two), share(one, resumed)
    claims = [
        Claim(
            "largest share by which losses of one and two processes differ, <= 1e-4", apart, apart <= CLOSE
        ),
        Claim(
            "losses apart at the shipped rate, <= 3 times those of two threads",
            shipped,
            shipped <= 3 * threads,
        ),
        Claim("seconds from a kill to the end of the run, <= 30", ended_s, ended_s <= ENDED_S),
        Claim("the share, two processes killed, one goes on, <= 1e-4", gap, gap <= CLOSE),
    ]
    return table, claims


def train(root: Path, asked: argparse.Namespace, **regimen: object) -> RunState:
    with tempfile.TemporaryDirectory(dir=root) as folder:
        return fit(*make_training(asked.subjects, max_epochs=asked.epochs, **regimen), Path(folder))


def rate_of(state: RunState) -> float:
    later = state.history[1:]
    return sum(one.images_per_second for one in later) / len(later)


def kill_and_go_on(folder: Path, asked: argparse.Namespace) -> tuple[float, RunState]:
    """Kill one of two processes as soon as it has written a state; finish in one; say how long it took."""
    folder.mkdir()
    regimen = {"max_epochs": asked.epochs, "checkpoints": OFTEN, "learning_rate": GENTLE}
    killed_s: list[float] = []

    def kill() -> None:
        while not (folder / WITHIN_NAME).exists():
            time.sleep(0.01)
        victim = next(one for one in multiprocessing.active_children() if one.name.endswith("1"))
        killed_s.append(time.monotonic())
        os.kill(victim.pid or 0, signal.SIGKILL)

    threading.Thread(target=kill, daemon=True).start()
    try:
        fit(*make_training(asked.subjects, devices=2, **regimen), folder)
        raise SystemExit("expected the run to end with the process that was killed, but it went on")
    except SelfsameError as error:
        ended_s = time.monotonic() - killed_s[0]
        print(error)
    return ended_s, fit(*make_training(asked.subjects, devices=1, **regimen), folder)


def difference(left: RunState, right: RunState) -> float:
    """The largest difference of a training or a validation loss."""
    return max(abs(one - other) for one, other in pair_losses(left, right))


def share(left: RunState, right: RunState) -> float:
    """The largest difference of a loss, as a share of the loss."""
    return max(abs(one - other) / abs(one) for one, other in pair_losses(left, right))


def pair_losses(left: RunState, right: RunState) -> Iterator[tuple[float, float]]:
    for one, other in zip(left.history, right.history, strict=True):
        yield one.train_loss, other.train_loss
        if one.validation_loss is not None and other.validation_loss is not None:
            yield one.validation_loss, other.validation_loss


if __name__ == "__main__":
    sys.exit(main())
