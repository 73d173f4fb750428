"""A run is stopped at once, but not within the import of a module, and never twice."""

import importlib
import os
import signal
import sys
import threading
import time

import pytest

from selfsame.stopping import Terminated, stoppable

STUBBORN = """
import os, signal
try:
    os.kill(os.getpid(), signal.{name})
    for _ in range(10_000):
        pass
except BaseException:
    caught = True
else:
    caught = False
"""
"""Imported, it is stopped, and takes that for something else."""


@pytest.fixture(autouse=True)
def _interruptible():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
    yield
    signal.signal(signal.SIGINT, before)


def wait_s(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.005)


@pytest.mark.parametrize(("name", "kind"), [("SIGINT", KeyboardInterrupt), ("SIGTERM", Terminated)])
def test_work_is_stopped_at_once(name, kind):
    def work():
        os.kill(os.getpid(), getattr(signal, name))
        wait_s(20)

    with pytest.raises(kind), stoppable():
        work()


@pytest.mark.parametrize(("name", "kind"), [("SIGINT", KeyboardInterrupt), ("SIGTERM", Terminated)])
def test_an_import_is_finished_first_and_the_stop_is_not_forgotten(name, kind, tmp_path, monkeypatch):
    (tmp_path / f"stubborn_{name}.py").write_text(STUBBORN.format(name=name))
    monkeypatch.syspath_prepend(str(tmp_path))

    def work():
        importlib.import_module(f"stubborn_{name}")
        wait_s(20)

    with pytest.raises(kind), stoppable():
        work()
    assert not sys.modules[f"stubborn_{name}"].caught


def test_handlers_are_as_before_and_a_late_stop_reaches_nobody(tmp_path, monkeypatch):
    (tmp_path / "stubborn.py").write_text(STUBBORN.format(name="SIGTERM"))
    monkeypatch.syspath_prepend(str(tmp_path))
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with stoppable():
        importlib.import_module("stubborn")
    wait_s(0.2)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_an_ignored_interrupt_stays_ignored():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with stoppable():
        os.kill(os.getpid(), signal.SIGINT)
        wait_s(0.05)
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN


@pytest.mark.parametrize(("name", "kind"), [("SIGINT", KeyboardInterrupt), ("SIGTERM", Terminated)])
def test_a_stop_within_the_cleaning_up_of_an_object_is_not_forgotten(name, kind):
    def clean_up():
        try:
            yield
        finally:
            os.kill(os.getpid(), getattr(signal, name))
            wait_s(1)

    def work():
        left = clean_up()
        next(left)
        del left  # what its end raises, nobody can catch
        wait_s(20)

    with pytest.raises(kind), stoppable():
        work()


def test_other_errors_of_cleaning_up_are_told_as_ever():
    class Broken:
        def __del__(self):
            raise ValueError("broken")

    told = []
    before = sys.unraisablehook
    sys.unraisablehook = told.append
    try:
        with stoppable():
            Broken()
    finally:
        sys.unraisablehook = before
    assert [str(one.exc_value) for one in told] == ["broken"]


def test_a_stop_that_waited_for_an_import_wakes_a_thread_that_waits(tmp_path, monkeypatch):
    (tmp_path / "slow_import.py").write_text(STUBBORN.format(name="SIGTERM"))
    monkeypatch.syspath_prepend(str(tmp_path))

    def work():
        importlib.import_module("slow_import")
        held.acquire(timeout=20)

    held = threading.Lock()
    held.acquire()
    began = time.monotonic()
    with pytest.raises(Terminated), stoppable():
        work()
    assert time.monotonic() - began < 10
