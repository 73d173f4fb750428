"""Several processes train as one does, share its work, and end when one of them is lost."""

import multiprocessing
import os
import pickle
import runpy
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from selfsame.errors import InputError
from selfsame.learning.distributed.launching import launch
from selfsame.learning.distributed.processes import LostProcessError, Member, count_processes
from selfsame.learning.distributed.shared_norms import SharedBatchNorm
from selfsame.learning.randomness import Draws
from selfsame.learning.training import fitting
from selfsame.learning.training.fitting import fit
from selfsame.learning.training.plan import EpochPlan
from selfsame.learning.training.state import WITHIN_NAME, read_state
from selfsame.shards.arrays import ShardedArrays

SCRIPT = Path(__file__).with_name("training_together.py")
make_task = runpy.run_path(str(SCRIPT))["make_task"]

CLOSE = 1e-4
"""Sums over other shares of a batch round otherwise."""


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The state that one process ends with."""
    return fit(*make_task(1), tmp_path_factory.mktemp("alone"))


def assert_close_runs(left, right):
    for one, other in zip(left.history, right.history, strict=True):
        assert one.train_loss == pytest.approx(other.train_loss, abs=CLOSE)
        assert one.validation_loss == pytest.approx(other.validation_loss, abs=CLOSE)
        assert one.train_accuracy == other.train_accuracy
    for name, tensor in left.weights.items():
        torch.testing.assert_close(tensor, right.weights[name], atol=CLOSE, rtol=CLOSE, msg=name)


def stop_within_second_epoch(monkeypatch, folder):
    """Train in this process, with a state after every step, and stop before the third step of epoch 2."""
    step = fitting.TrainingModule.training_step

    def step_or_stop(module, batch, number):
        if module.epoch == 2 and number == 2:
            raise ZeroDivisionError
        return step(module, batch, number)

    with monkeypatch.context() as patched:
        patched.setattr(fitting.TrainingModule, "training_step", step_or_stop)
        with pytest.raises(ZeroDivisionError):
            fit(*make_task(1, checkpoints={"every_steps": 1, "every_minutes": None}), folder)


@pytest.mark.slow
def test_two_processes_follow_the_curve_of_one_and_go_on_with_what_it_left(alone, tmp_path, monkeypatch):
    stop_within_second_epoch(monkeypatch, tmp_path)
    assert read_state(tmp_path, WITHIN_NAME).progress == (1, 2)
    assert_close_runs(fit(*make_task(2), tmp_path), alone)


@pytest.mark.slow
def test_a_killed_process_ends_the_run_at_once_and_one_process_goes_on_with_it(alone, tmp_path, caplog):
    often = {"every_steps": 1, "every_minutes": None}
    killed_s = []

    def kill_one():
        while not (tmp_path / WITHIN_NAME).exists():
            time.sleep(0.01)
        for process in multiprocessing.active_children():
            if process.name == "training process 1":
                killed_s.append(time.monotonic())
                os.kill(process.pid, signal.SIGKILL)

    threading.Thread(target=kill_one, daemon=True).start()
    with pytest.raises(LostProcessError, match=r"training process 1 was killed \(SIGKILL\)") as caught:
        fit(*make_task(2, checkpoints=often), tmp_path)
    assert time.monotonic() - killed_s[0] < 30
    assert "\n" not in str(caught.value)
    assert not multiprocessing.active_children()
    caplog.clear()
    with caplog.at_level("INFO", logger="selfsame"):
        resumed = fit(*make_task(1, checkpoints=often), tmp_path)
    assert caplog.messages[0].startswith("training: goes on after")
    assert_close_runs(resumed, alone)


@pytest.mark.slow
def test_processes_that_torchrun_starts_find_each_other_and_follow_the_curve_of_one(alone, tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*command, SCRIPT, tmp_path], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert_close_runs(read_state(tmp_path), alone)


@pytest.mark.slow
def test_an_error_in_a_process_is_told_as_it_is(tmp_path):
    with pytest.raises(InputError, match=r"expected finite numbers in training.* in epoch 1: lower"):
        fit(*make_task(2, learning_rate=1e30, clip_norm=None), tmp_path)
    assert not (tmp_path / "state.pt").exists()


def test_processes_whose_work_cannot_be_sent_are_ended():
    with pytest.raises((AttributeError, TypeError, pickle.PicklingError)):
        launch(lambda: None, 1, "cpu")
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("world", [1, 2, 3, 9])
def test_processes_see_disjoint_presentations_that_cover_the_epoch(world):
    task, _ = make_task(1)
    rows = list(task.train.values())
    together = list(EpochPlan(rows, seed=3, batch_size=7))
    shares = [
        list(EpochPlan(rows, seed=3, batch_size=7, member=Member(rank, world))) for rank in range(world)
    ]
    for step, whole in enumerate(together):
        found = np.concatenate([share[step].rows for share in shares])
        assert sorted(map(tuple, found)) == sorted(map(tuple, whole.rows))
        assert sum(len(share[step].rows) for share in shares) == len(whole.rows)


def test_each_process_draws_for_its_items_what_one_process_draws_for_them():
    everything = Draws(torch.Generator().manual_seed(1), 10).uniform(2, 3)
    own = np.array([1, 4, 7])
    assert torch.equal(everything[own], Draws(torch.Generator().manual_seed(1), 10, own).uniform(2, 3))


def test_positions_of_own_captures_are_counted_among_those_that_are_there():
    task, _ = make_task(1)
    plan = EpochPlan(list(task.train.values()), seed=3, batch_size=7, member=Member(1, 2))
    whole = plan.whole(0)
    column = list(task.train).index("fingerprint")
    expected = [
        sum(whole.present[:position, column]) for position in whole.own if whole.present[position, column]
    ]
    assert whole.own_among(column).tolist() == expected


def share_of_norm(rank, folder, queue):
    from torch import distributed

    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=3)
    queue.put((rank, *(one.numpy() for one in pass_through(*make_norm(), slice(*SHARES[rank])))))
    distributed.barrier()
    distributed.destroy_process_group()


SHARES = [(0, 5), (5, 5), (5, 8)]
"""The second process has no captures."""


def make_norm():
    torch.manual_seed(0)
    plain = nn.BatchNorm2d(4)
    plain.weight.data.uniform_(0.5, 2)
    return SharedBatchNorm(plain), torch.randn(8, 4, 3, 5) * 3 + 100, torch.randn(8, 4, 3, 5)


def pass_through(norm, features, gradient, share):
    own = features[share].requires_grad_()
    answer = norm(own)
    answer.backward(gradient[share])
    return answer.detach(), own.grad, norm.weight.grad, norm.bias.grad, norm.running_mean, norm.running_var


@pytest.mark.slow
def test_shared_normalisation_is_that_of_the_whole_batch_forwards_and_backwards(tmp_path):
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    workers = [context.Process(target=share_of_norm, args=(rank, tmp_path, queue)) for rank in range(3)]
    for worker in workers:
        worker.start()
    answers = sorted((queue.get(timeout=60) for _ in workers), key=lambda one: one[0])
    for worker in workers:
        worker.join()
    norm, features, gradient = make_norm()
    plain = nn.BatchNorm2d(4)
    plain.load_state_dict(norm.state_dict())
    own = features.requires_grad_()
    answer = functional.batch_norm(
        own, plain.running_mean, plain.running_var, plain.weight, plain.bias, training=True
    )
    answer.backward(gradient)
    for column, expected in ((1, answer.detach()), (2, own.grad)):
        found = np.concatenate([one[column] for one in answers])
        np.testing.assert_allclose(found, expected.numpy(), atol=2e-5)
    for column, expected in ((3, plain.weight.grad), (4, plain.bias.grad)):
        found = np.sum([one[column] for one in answers], axis=0)
        np.testing.assert_allclose(found, expected.numpy(), atol=1e-4)
    for one in answers:
        np.testing.assert_allclose(one[5], plain.running_mean.numpy(), rtol=1e-5)
        np.testing.assert_allclose(one[6], plain.running_var.numpy(), rtol=1e-5)


def test_arrays_travel_to_other_processes_as_names_of_files(tmp_path):
    from multiprocessing.reduction import ForkingPickler

    pixels = np.random.default_rng(0).integers(0, 256, (50, 2, 16, 32), dtype=np.uint8)
    np.save(tmp_path / "one.npy", pixels)
    mapped = ShardedArrays({"one": np.load(tmp_path / "one.npy", mmap_mode="r")})
    travelling = ForkingPickler.dumps(mapped)
    assert len(travelling) < 2000
    arrived = ForkingPickler.loads(travelling)
    np.testing.assert_array_equal(arrived.gather(np.arange(50)), pixels)
    held = ForkingPickler.loads(ForkingPickler.dumps(ShardedArrays({"one": pixels[10:20]})))
    np.testing.assert_array_equal(held.gather(np.arange(10)), pixels[10:20])


def test_devices_are_counted_and_never_made_up(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert [count_processes(wanted, "cuda") for wanted in ("auto", 2)] == [4, 2]
    assert [count_processes(wanted, "cpu") for wanted in ("auto", 3)] == [1, 3]
    with pytest.raises(InputError, match="expected 8 CUDA devices, got 4"):
        count_processes(8, "cuda")
