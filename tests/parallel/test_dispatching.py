"""Tasks of unlike length: who takes the next one, and when no other is begun."""

import os
import threading
import time

import pytest

from selfsame.errors import InputError
from selfsame.parallel.backends import open_processes
from selfsame.parallel.dispatching import dispatched


def test_a_worker_that_is_done_early_takes_what_is_left(tmp_path):
    def work(item):  # travels by value; the first task lasts until the last one is done
        while item == 0 and not (tmp_path / "5").exists():
            time.sleep(0.01)
        (tmp_path / str(item)).touch()
        return item, os.getpid()

    with open_processes(2) as pool, dispatched(pool, 2, work, range(6)) as made:
        items, processes = zip(*made, strict=True)
    assert items == (0, 1, 2, 3, 4, 5)
    assert len(set(processes[1:])) == 1
    assert processes[0] not in processes[1:]


def test_nothing_is_begun_after_a_failure(tmp_path):
    def work(item):
        (tmp_path / str(item)).touch()
        if item == 2:
            raise InputError("expected another item")
        return item

    with open_processes(1) as pool, dispatched(pool, 1, work, range(9)) as made:
        assert [next(made), next(made)] == [0, 1]
        with pytest.raises(InputError, match="expected another item"):
            next(made)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", "2"]


def test_nothing_is_begun_once_the_results_are_left(tmp_path):
    def work(item):
        (tmp_path / str(item)).touch()
        while not (tmp_path / "go on").exists():
            time.sleep(0.01)

    with open_processes(1) as pool:
        with dispatched(pool, 1, work, range(9)):
            while not (tmp_path / "0").exists():
                time.sleep(0.01)
        (tmp_path / "go on").touch()
        pool.submit(os.getpid)()  # is done after whatever was begun before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "go on"]


def test_an_interrupted_run_waits_for_no_task(tmp_path):
    def work(item):
        (tmp_path / str(item)).touch()
        time.sleep(60)

    def interrupt():
        with open_processes(2) as pool, dispatched(pool, 2, work, range(9)):
            while len(list(tmp_path.iterdir())) < 2:
                time.sleep(0.01)
            raise KeyboardInterrupt

    threads, began = threading.active_count(), time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        interrupt()
    while threading.active_count() > threads:  # those that waited for the workers
        assert time.monotonic() < began + 30
        time.sleep(0.01)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1"]
