"""The same shards out of every backend, and runs that outlive their workers, on real clusters."""

import hashlib
import importlib
import logging
import os
import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from selfsame.datasets.arrays import ArraysDataset, MadeShardsDataset
from selfsame.errors import InputError
from selfsame.parallel import backends
from selfsame.parallel.backends import CLUSTERS, WorkerDiedError, open_processes
from selfsame.shards import running as shard_running
from selfsame.shards.arrays import Shard
from selfsame.shards.checksums import checksum
from selfsame.shards.making import PASSING, WORKER_DIED
from selfsame.shards.planning import PlannedImpression, plan_shards
from selfsame.shards.running import make_shards, reaches


@pytest.fixture(scope="module", autouse=True)
def deadly():
    """The module of the captures that kill; workers find it as this process does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)  # Ray's workers
        yield importlib.import_module("deadly_recipe")


def plan(contents, impressions=2):
    rows = [
        PlannedImpression(hashlib.sha256(content).hexdigest()[:24], path, path, checksum(content), impression)
        for path, content in contents.items()
        for impression in range(impressions)
    ]
    return plan_shards(rows, rows_per_shard=16, settings="s")


def make_contents(deadly, count=60):
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 256, (count, deadly.HEIGHT * deadly.WIDTH), dtype=np.uint8)
    pixels[:, 0] = np.arange(count)  # the first has no pupil
    return {f"{i:02}": row.tobytes() for i, row in enumerate(pixels)}


@pytest.fixture(scope="module")
def contents(deadly):
    return {**make_contents(deadly), "deadly": deadly.DEADLY}


@pytest.fixture(scope="module")
def expected(contents, deadly):
    return make(contents, replace(deadly.RECIPE, decode=deadly.decode_alive), "sequential")


def make(contents, recipe, backend, workers=2, address=None):
    files = importlib.import_module("deadly_recipe").Files(contents)
    shards = make_shards(plan(contents), (), files, recipe, backend=backend, workers=workers, address=address)
    return list(shards)


def require(backend):
    package = CLUSTERS.get(backend)
    if package and find_spec(package) is None:
        pytest.skip(f"the extra {backend} is not installed")


@contextmanager
def skip_where_ray_is_late():
    try:
        yield
    except Exception as error:
        if "timed out during startup" not in str(error):
            raise
        pytest.skip("Ray did not start within its own 30 s: this machine is busy")


def assert_same_shards(got, expected):
    assert [shard.name for shard in got] == [shard.name for shard in expected]
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)
        assert (one.record.xxh128, one.record.recipe) == (other.record.xxh128, other.record.recipe)
        assert [entry._replace(detail=None) for entry in one.record.entries] == [
            entry._replace(detail=None) for entry in other.record.entries
        ]


def assert_one_died(got, caplog):
    died = [entry for shard in got for entry in shard.record.entries if entry.reason == WORKER_DIED]
    assert [(entry.row, entry.impression) for entry in died] == [(-1, 0), (-1, 1)]
    assert "deadly" in died[0].detail
    told = [record.message for record in caplog.records if "1 of" in record.message]
    assert len(told) == 1
    assert died[0].capture_id in told[0]


@pytest.mark.parametrize("backend", ["loky", "dask"])
def test_worker_processes_write_what_they_make_and_one_that_dies_costs_its_capture_alone(
    backend, contents, deadly, expected, tmp_path, caplog
):
    require(backend)
    files, dataset = deadly.Files(contents), ArraysDataset(filepath=str(tmp_path))
    writer = MadeShardsDataset(filepath=str(tmp_path)).load().writer
    with caplog.at_level(logging.WARNING, "selfsame"):
        names = list(
            make_shards(plan(contents), (), files, deadly.RECIPE, backend=backend, workers=2, writer=writer)
        )
    dataset.save(names)
    pixels = dict(zip(sorted(names), dataset.load().shards, strict=True))
    records = dataset.load().records
    assert_same_shards([Shard(name, pixels[name], records[name]) for name in names], expected)
    assert "2 worker_died" in caplog.text  # both impressions of the capture


@pytest.mark.parametrize(
    ("reach", "backend", "address", "writes"),
    [
        ("machine", "sequential", None, False), ("machine", "threading", None, False),
        ("machine", "loky", None, True), ("machine", "dask", None, True),
        ("machine", "dask", "tcp://x", False),
        ("process", "loky", None, False), ("anywhere", "sequential", None, False),
        ("anywhere", "ray", "ray://x", True),
    ],
)  # fmt: skip
def test_workers_write_where_the_writer_reaches(reach, backend, address, writes):
    assert reaches(SimpleNamespace(reach=reach), backend, address) is writes


@pytest.mark.parametrize("backend", ["loky", "dask", pytest.param("ray", marks=pytest.mark.slow)])
def test_a_capture_that_kills_its_worker_is_lost_alone_and_all_else_is_the_same(
    backend, contents, deadly, expected, caplog
):
    require(backend)
    with caplog.at_level(logging.WARNING, "selfsame"), skip_where_ray_is_late():
        got = make(contents, deadly.RECIPE, backend)
    assert_same_shards(got, expected)
    assert_one_died(got, caplog)


def test_threads_make_the_same_shards(contents, deadly, expected):
    assert_same_shards(
        make(contents, replace(deadly.RECIPE, decode=deadly.decode_alive), "threading", 3), expected
    )


def test_a_running_dask_cluster_is_used_by_its_address_and_left_running(contents, deadly, expected):
    require("dask")
    from distributed import LocalCluster

    alive = replace(deadly.RECIPE, decode=deadly.decode_alive)
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        for _ in range(2):
            assert_same_shards(make(contents, alive, "dask", -1, cluster.scheduler_address), expected)
        assert cluster.scheduler.total_nthreads == 1


def test_workers_of_another_version_are_refused(contents, deadly, monkeypatch):
    require("dask")
    from distributed import LocalCluster

    monkeypatch.setattr(shard_running, "describe_toolchain", lambda: "selfsame 9")
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
        pytest.raises(
            InputError, match=r"expected workers with selfsame 9, .* has selfsame .*install the same"
        ),
    ):
        make(contents, deadly.RECIPE, "dask", -1, cluster.scheduler_address)


class Cluster:
    """A Dask cluster that is asked which of its processes have a package."""

    def __init__(self, scheduler, **workers):
        self.scheduler, self.workers = scheduler, workers

    def run_on_scheduler(self, function, *arguments):
        return self.scheduler

    def run(self, function, *arguments):
        return self.workers

    def nthreads(self):
        return self.workers


def test_processes_without_the_package_are_named():
    require("dask")
    from selfsame.parallel.dask_cluster import require_package

    require_package(Cluster("found", one="found"), "tcp://host:8786")
    with pytest.raises(InputError, match=r"2 of 3 processes have none \(its scheduler, two\): install it"):
        require_package(Cluster(None, one="found", two=None), "tcp://host:8786")


class Late:
    """A result that is there at the third look."""

    looks = 0

    def result(self, timeout):
        self.looks += 1
        if self.looks < 3:
            raise TimeoutError
        return "made"


def test_a_result_is_waited_for_as_long_as_there_are_workers():
    require("dask")
    from selfsame.parallel.dask_cluster import wait_for_result

    assert wait_for_result(Cluster("found", one=1), Late(), patience_s=1) == "made"
    with pytest.raises(TimeoutError, match="no worker for 5 s, after all had left"):
        wait_for_result(Cluster("found"), Late(), patience_s=1)


def test_an_address_where_no_cluster_answers_is_named(contents, deadly, monkeypatch):
    require("dask")
    monkeypatch.setattr(backends, "CONNECT_S", 1)
    with pytest.raises(
        InputError, match=r"a dask cluster that answers at tcp://127\.0\.0\.1:9, got .*start it"
    ):
        make(contents, deadly.RECIPE, "dask", 2, "tcp://127.0.0.1:9")


def test_what_dask_logs_is_silenced_no_longer_than_it_is_used(contents, deadly, monkeypatch):
    require("dask")
    monkeypatch.setattr(backends, "CONNECT_S", 1)
    log = logging.getLogger("distributed.client")
    monkeypatch.setattr(log, "level", logging.INFO)
    with pytest.raises(InputError, match="a dask cluster that answers"):
        make(contents, deadly.RECIPE, "dask", 2, "tcp://127.0.0.1:9")
    assert log.level == logging.INFO


@pytest.mark.parametrize("backend", CLUSTERS)
def test_a_missing_extra_is_named_before_anything_is_made(backend, contents, deadly, monkeypatch):
    monkeypatch.setattr(backends, "find_spec", lambda package: None)
    message = rf"expected the package {CLUSTERS[backend]} .* pip install -e '\.\[{backend}\]'"
    arguments = deadly.Files(contents), deadly.RECIPE
    with pytest.raises(InputError, match=message):
        make_shards(plan(contents), (), *arguments, backend=backend, workers=1)
    names = {shard.name for shard in plan(contents)}  # where all are made, nothing is missed
    assert set(make_shards(plan(contents), names, *arguments, backend=backend, workers=1)) == names


def test_a_capture_whose_worker_died_is_tried_again_and_counts_as_a_failure_to_acquire(expected):
    provisional = [shard for shard in expected if shard.record.provisional]
    assert len(provisional) == 1
    assert {entry.reason for entry in provisional[0].record.entries} >= {None, WORKER_DIED}
    assert WORKER_DIED not in PASSING  # which evaluation refuses


def test_a_death_that_does_not_happen_again_costs_nothing(deadly, tmp_path):
    contents = {**make_contents(deadly), "once": deadly.ONCE + str(tmp_path / "died").encode()}
    got = make(contents, deadly.RECIPE, "loky")
    assert (tmp_path / "died").exists()
    assert_same_shards(got, make(contents, deadly.RECIPE, "sequential"))
    assert not any(shard.record.provisional for shard in got)


def test_workers_that_die_of_every_capture_end_the_run(deadly, monkeypatch):
    monkeypatch.setattr(shard_running, "TOO_MANY", 2)
    contents = {f"{i}": deadly.DEADLY + bytes([i]) for i in range(2)}
    with pytest.raises(WorkerDiedError, match="died of all 2 of shard"):
        make(contents, deadly.RECIPE, "loky", 1)


def test_work_stays_a_few_shards_ahead_of_who_takes_them(contents, deadly):
    begun = set()

    class Watched(deadly.Files):
        def read(self, path, *, at_most=None):
            begun.add(path)
            return super().read(path, at_most=at_most)

    del (alive := dict(contents))["deadly"]
    shards = plan(alive)
    of = {one.path: shard.name for shard in shards for one in shard.impressions}
    making = make_shards(shards, (), Watched(alive), deadly.RECIPE, backend="threading", workers=1)
    next(making)
    time.sleep(0.3)  # long enough to make them all
    assert len({of[path] for path in begun}) <= 2 < len(shards)
    making.close()


def test_ctrl_c_is_for_the_run_and_not_for_its_workers():
    with open_processes(1) as pool:
        assert pool.submit(signal.getsignal, signal.SIGINT)() == signal.SIG_IGN


def test_worker_processes_end_when_nobody_takes_more(contents, deadly):
    threads = threading.active_count()
    making = make_shards(plan(contents), (), deadly.Files(contents), deadly.RECIPE, backend="loky", workers=2)
    next(making)
    making.close()
    deadline = time.monotonic() + 30
    while threading.active_count() > threads:  # each process has one that waits for its end
        assert time.monotonic() < deadline
        time.sleep(0.01)
