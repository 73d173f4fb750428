import pandas as pd
import pytest

from selfsame.benchmarking.advice import (
    Benchmark,
    advise_backend,
    advise_batches,
    describe_disturbance,
    describe_loading,
    describe_preprocessing,
    list_settings,
)


def speeds(captures: int, configured: str = "loky") -> pd.DataFrame:
    """A floor, one process, two threads and two processes: 100, 90, 160 and 180 images a second."""
    rates = {"floor": (1, 100.0, 0.0), "sequential": (1, 90.0, 0.0)}
    rates |= {"threading": (2, 160.0, 0.0), "loky": (2, 180.0, 1.0)}
    rows = [
        {
            "modality": "iris_left", "captures": captures, "backend": backend, "workers": workers,
            "images_per_s": rate, "processor_ms": 9.5, "of_floor": rate / workers / 100, "start_s": start_s,
            "whole_s": start_s + captures / rate, "configured": backend == configured,
        }
        for backend, (workers, rate, start_s) in rates.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize(("captures", "backend"), [(450, "threading"), (100_000, "loky")])
def test_start_of_workers_pays_where_there_is_much_to_do(captures: int, backend: str) -> None:
    assert advise_backend(speeds(captures)).advised.backend == backend


def test_the_simplest_of_those_that_are_alike_is_advised() -> None:
    table = speeds(450)
    table.loc[1, ["images_per_s", "whole_s"]] = [158.0, 450 / 158]
    assert advise_backend(table).advised.backend == "sequential"


def test_one_worker_elsewhere_is_not_advised() -> None:
    table = speeds(450)
    table.loc[2, ["workers", "whole_s"]] = [1, 0.1]
    assert advise_backend(table).advised.backend == "loky"


def test_the_floor_is_never_advised() -> None:
    table = speeds(450)
    table.loc[0, "whole_s"] = 0.1
    assert advise_backend(table).advised.backend == "threading"


def test_settings_are_listed_as_the_command_line_takes_them() -> None:
    found = Benchmark(machine={}, preprocessing=(advise_backend(speeds(450)),), loading=None)
    block = "biometrics.iris_left.preprocessing"
    assert list(list_settings(found, "biometrics")) == [f"{block}.backend=threading"]
    other = Benchmark(machine={}, preprocessing=(advise_backend(speeds(450, "sequential")),), loading=None)
    assert list(list_settings(other, "biometrics")) == [f"{block}.backend=threading", f"{block}.workers=2"]


def test_nothing_is_listed_where_it_is_set_so_already() -> None:
    advice = advise_backend(speeds(450, "threading"))
    found = Benchmark(machine={}, preprocessing=(advice,), loading=None)
    assert list(list_settings(found, "biometrics")) == []
    assert describe_preprocessing(advice).endswith("for 450 captures, as it is set")


def test_a_setting_that_was_not_measured_is_not_compared() -> None:
    advice = advise_backend(speeds(450, "dask"))
    assert advice.configured is None
    assert describe_preprocessing(advice) == (
        "iris_left: threading, 2 workers: 2.8 s, 160 images/s for 450 captures"
    )


def test_a_busy_machine_is_told_by_what_the_floor_got_of_a_core() -> None:
    idle = Benchmark(machine={}, preprocessing=(advise_backend(speeds(450)),), loading=None)
    assert idle.preprocessing[0].core_share == pytest.approx(0.95)
    assert describe_disturbance(idle) == ""
    table = speeds(450).assign(processor_ms=3.0)
    busy = Benchmark(machine={}, preprocessing=(advise_backend(table),), loading=None)
    assert "left this one 30% of a core: run it again" in describe_disturbance(busy)


def batches() -> pd.DataFrame:
    rows = [
        ("memcpy", 16, 0, 1000.0), ("memcpy", 64, 0, 1000.0), ("batch_loader", 16, 1, 700.0),
        ("batch_loader", 64, 1, 880.0), ("batch_loader", 64, 2, 900.0), ("file_per_image", 64, 0, 10.0),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["design", "batch_size", "prefetch", "samples_per_s"])
    return table.assign(of_memcpy=table["samples_per_s"] / 1000)


def test_fewest_batches_ahead_that_are_as_fast_as_any_are_advised() -> None:
    advice = advise_batches(batches())
    assert (advice.batch_size, advice.prefetch, advice.of_memcpy) == (64, 1, 0.88)
    assert describe_loading(advice) == (
        "batches of 64, 1 ahead: 880 samples/s, 0.88 of memcpy, 88 times one file an image"
    )


def test_without_files_there_is_no_multiple_of_them() -> None:
    table = batches()
    assert advise_batches(table[table["design"] != "file_per_image"]).times_file_per_image is None
