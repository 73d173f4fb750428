from functools import partial

from selfsame.benchmarking.pace import Pace
from selfsame.benchmarking.rounds import Spread, rates_of, run_rounds, share_of


def run(name: str, log: list[str]) -> Pace:
    log.append(name)
    slow = 1 + log.count(name)  # the machine becomes slower, for all alike
    return Pace(100, slow * (1.0 if name == "floor" else 2.0), 1.0, 0.0)


def measure(seed: int) -> tuple[list[str], list[dict[str, Pace]]]:
    log: list[str] = []
    names = ("floor", "a", "b", "c")
    return log, run_rounds({name: partial(run, name, log) for name in names}, 3, what="test", seed=seed)


def test_every_round_runs_every_design_once_in_an_order_of_its_own() -> None:
    log, rounds = measure(0)
    turns = [tuple(log[i : i + 4]) for i in (0, 4, 8)]
    assert all(sorted(turn) == ["a", "b", "c", "floor"] for turn in turns)
    assert len(set(turns)) > 1
    assert len(rounds) == 3
    assert log == measure(0)[0]


def test_shares_are_of_the_same_round_so_that_a_slower_machine_does_not_matter() -> None:
    _, rounds = measure(1)
    assert share_of(rounds, "a", "floor") == 0.5
    assert rates_of(rounds, "floor") == Spread(100 / 3, 25.0, 50.0)
