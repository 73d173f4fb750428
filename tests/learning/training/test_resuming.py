"""A training run that stops within an epoch goes on there, and ends as if it had never stopped."""

import itertools
import logging
import random
from types import SimpleNamespace

import pytest
import torch

from selfsame.learning.training.fitting import fit
from selfsame.learning.training.history import tabulate_history
from selfsame.learning.training.module import TrainingModule
from selfsame.learning.training.state import STATE_NAME, WITHIN_NAME, read_state
from selfsame.learning.training.task import assemble_task

EPOCHS, STEPS = 3, 6
TIMES = ["seconds", "images_per_second"]


class StopError(Exception):
    """What interrupts a run in these tests."""


@pytest.fixture
def run(toy, parameters, monkeypatch):
    """Train in a folder: `run(folder, stop_at=7)` stops before step 7 (from 0) of the whole run."""
    step = TrainingModule.training_step

    def train(folder, stop_at=None, every=2, minutes=None, **regimen):
        chosen = parameters(
            max_epochs=EPOCHS,
            batch_size=4,
            checkpoints={"every_steps": every, "every_minutes": minutes},
            **regimen,
        )
        data = toy()
        task = assemble_task(
            data.arrays,
            data.indexes,
            encoder_of=chosen.encoder_of,
            encoders=chosen.encoders,
            regimen=chosen,
            seed=1,
        )

        def step_or_stop(module, batch, number):
            if (module.epoch - 1) * STEPS + module.plan.done + number == stop_at:
                raise StopError
            return step(module, batch, number)

        monkeypatch.setattr(TrainingModule, "training_step", step_or_stop)
        folder.mkdir(exist_ok=True)
        try:
            return SimpleNamespace(state=fit(task, chosen, folder), task=task)
        except StopError:
            return None

    return train


def assert_equal_runs(left, right):
    for name, tensor in left.weights.items():
        assert torch.equal(tensor, right.weights[name]), name
    for name, tensor in left.best_weights.items():
        assert torch.equal(tensor, right.best_weights[name]), name
    tables = [tabulate_history(one.history).drop(columns=TIMES) for one in (left, right)]
    assert tables[0].equals(tables[1])
    assert left.best_epoch == right.best_epoch


def test_runs_that_stop_at_random_steps_end_with_the_same_bits_and_the_same_history(run, tmp_path):
    expected = run(tmp_path / "whole").state
    for moments in (random.Random(1).sample(range(1, STEPS * EPOCHS), 3), [1, 2, 3, 4, 5], [17]):
        folder = tmp_path / "_".join(map(str, moments))
        for moment in sorted(moments):
            assert run(folder, stop_at=moment) is None
        assert_equal_runs(expected, run(folder).state)
        assert sorted(one.name for one in folder.iterdir()) == [STATE_NAME, "tensorboard"]


def test_a_run_goes_on_after_the_last_checkpoint_and_not_from_the_start_of_the_epoch(run, tmp_path, caplog):
    run(tmp_path, stop_at=STEPS + 5)
    assert read_state(tmp_path, WITHIN_NAME).progress == (1, 4)
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="selfsame"):
        run(tmp_path)
    assert "goes on after step 4 of epoch 2 of an interrupted run" in caplog.messages[0]


def test_with_accumulated_batches_checkpoints_follow_steps_of_the_optimiser(run, tmp_path):
    expected = run(tmp_path / "whole", accumulate=4).state
    for moment in (5, 11):
        run(tmp_path / "stopped", stop_at=moment, every=1, accumulate=4)
    assert read_state(tmp_path / "stopped", WITHIN_NAME).progress == (1, 4)
    assert_equal_runs(expected, run(tmp_path / "stopped", every=1, accumulate=4).state)


def test_how_often_the_state_is_written_changes_nothing_and_may_change_between_runs(run, tmp_path):
    expected = run(tmp_path / "whole", every=None).state
    run(tmp_path / "stopped", stop_at=9, every=1)
    assert_equal_runs(expected, run(tmp_path / "stopped", every=None).state)


def test_minutes_count_as_well_as_steps(run, tmp_path, monkeypatch):
    clock = itertools.count(0, 25)  # seconds: read once when an epoch begins, and after every step
    monkeypatch.setattr("selfsame.learning.training.epochs.time", SimpleNamespace(monotonic=clock.__next__))
    run(tmp_path / "seldom", stop_at=5, every=None, minutes=10.0)
    assert read_state(tmp_path / "seldom", WITHIN_NAME) is None
    run(tmp_path / "often", stop_at=5, every=None, minutes=1.0)
    assert read_state(tmp_path / "often", WITHIN_NAME).progress == (0, 3)


def test_a_damaged_state_within_an_epoch_costs_the_steps_of_that_epoch_alone(run, tmp_path, caplog):
    expected = run(tmp_path / "whole").state
    run(tmp_path / "stopped", stop_at=STEPS + 5)
    within = tmp_path / "stopped" / WITHIN_NAME
    within.write_bytes(within.read_bytes()[:-2000])
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="selfsame"):
        resumed = run(tmp_path / "stopped").state
    assert (
        f"leaves a state aside (expected the complete state of a training run in {WITHIN_NAME}"
        in (caplog.messages[0])
    )
    assert "goes on after epoch 1 of an interrupted run" in caplog.messages[1]
    assert_equal_runs(expected, resumed)


def test_a_damaged_state_of_the_first_epoch_begins_afresh_and_says_so(run, tmp_path, caplog):
    expected = run(tmp_path / "whole").state
    run(tmp_path / "stopped", stop_at=5)
    (tmp_path / "stopped" / WITHIN_NAME).write_bytes(b"no state")
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="selfsame"):
        resumed = run(tmp_path / "stopped").state
    assert "begins afresh (expected the complete state" in caplog.messages[0]
    assert_equal_runs(expected, resumed)


def test_the_state_after_an_epoch_is_no_use_without_its_own_inputs(run, tmp_path, caplog):
    run(tmp_path, stop_at=5)
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="selfsame"):
        run(tmp_path, stop_at=1, learning_rate=0.001)
    assert "begins afresh, because the earlier run was of other training parameters" in caplog.messages[0]
