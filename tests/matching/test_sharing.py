"""Tasks in other processes: their order, what is held, and what happens where a process dies."""

import os
import threading
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from selfsame.cli import EXPECTED
from selfsame.matching import pairs as pairs_module
from selfsame.matching.encoding import FITTED_COLUMNS, encode_all
from selfsame.matching.pairs import compare_templates
from selfsame.matching.sharing import share_out
from selfsame.parallel.backends import WorkerDiedError
from selfsame.shards.arrays import ShardedArrays


@pytest.fixture
def deadly():
    def end(*_):
        os._exit(9)

    return end  # a function within a function travels by value


def share(tasks, **how):
    tasks = list(tasks)
    return share_out(tasks, count=len(tasks), **{"workers": 2, "what": "numbers", **how})


@pytest.mark.parametrize("workers", [1, 2, -1])
def test_results_come_in_the_order_of_the_tasks(workers):
    assert list(share((partial(pow, k, 2) for k in range(20)), workers=workers)) == [k * k for k in range(20)]


def test_no_task_has_no_result():
    assert list(share([])) == []


def test_one_task_stays_in_this_process():
    assert list(share([os.getpid])) == [os.getpid()]


def test_few_tasks_are_asked_for_before_their_results_are_taken():
    asked = []

    def tasks():
        for k in range(40):
            asked.append(k)
            yield partial(abs, k)

    results = share_out(tasks(), count=40, workers=2, what="numbers")
    assert next(results) == 0
    assert len(asked) <= 5  # two for each worker, and the one that follows
    results.close()


def test_opencv_and_libraries_use_one_thread_in_a_worker():
    import cv2

    tasks = [cv2.getNumThreads, partial(os.getenv, "OMP_NUM_THREADS"), os.getpid]
    *threads, worker = share(tasks)
    assert threads == [1, "1"]
    assert worker != os.getpid()


def test_what_a_task_refuses_comes_out_of_it():
    with pytest.raises(ValueError, match="invalid literal"):
        list(share([partial(int, "1"), partial(int, "one")]))


def test_death_of_a_worker_is_one_line_that_says_what_to_do(deadly):
    threads = threading.active_count()
    with pytest.raises(WorkerDiedError, match=r"^expected numbers, but .* died: run again; .*$") as raised:
        list(share([partial(abs, -1), deadly, partial(abs, -2)]))
    assert isinstance(raised.value, EXPECTED)  # the command shows its message, and no traceback
    assert "\n" not in str(raised.value)
    assert threading.active_count() <= threads  # nothing waits for a process any more


def test_death_while_encoding_names_modality_and_comparator(index, deadly):
    rows = index("iris_left", 2)
    arrays = ShardedArrays({"iris_left": np.zeros((len(rows), 2, 4, 5), np.uint8)})
    comparator = SimpleNamespace(learns=False, encode=deadly)
    fitted = rows.head(0).reindex(columns=FITTED_COLUMNS)
    with pytest.raises(WorkerDiedError, match=r"^expected iris_left templates by code, but a process"):
        encode_all({"code": comparator}, fitted, arrays, rows, batch_size=2, workers=2)


def test_death_while_comparing_names_modality_and_comparator(index, templates, deadly, monkeypatch):
    monkeypatch.setattr(pairs_module, "BLOCK", 2)
    table = templates(index("iris_left", 2))
    name = table["comparator"].iloc[0]
    with pytest.raises(WorkerDiedError, match=f"^expected iris_left scores by {name}, but a process"):
        compare_templates(table, deadly, workers=2)
