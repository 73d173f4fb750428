import hashlib
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from selfsame.benchmarking.preprocessing import (
    FLOOR,
    Design,
    Sample,
    find_configured,
    keep_usable,
    list_designs,
    time_preprocessing,
)
from selfsame.errors import CaptureError, InputError
from selfsame.imaging.normalised import Normalised
from selfsame.shards.checksums import checksum
from selfsame.shards.making import Recipe
from selfsame.shards.planning import PlannedImpression

EMPTY = b"nothing to see"


class Files:
    """Files by their names, in memory."""

    def __init__(self, contents: dict[str, bytes]) -> None:
        self.contents = contents

    def read(self, path: str, *, at_most: int | None = None) -> bytes:
        return self.contents[path][:at_most]


def decode(data: bytes) -> np.ndarray:
    if data == EMPTY:
        raise CaptureError("unreadable", "nothing to see")
    return np.full((4, 4), data[0], np.uint8)


def normalise(grey: np.ndarray) -> Normalised:
    np.linalg.svd(np.random.default_rng(0).normal(size=(40, 40)))  # some work
    return Normalised(grey, np.full_like(grey, 255))


@pytest.fixture
def sample() -> Callable[..., Sample]:
    def make(*contents: bytes) -> Sample:
        files = {f"{i}.png": content for i, content in enumerate(contents)}
        planned = tuple(
            PlannedImpression(hashlib.sha256(data).hexdigest()[:24], path, path, checksum(data), 0)
            for path, data in files.items()
        )
        return Sample(planned, Files(files), Recipe(4, 4, 0, decode, normalise), 8, captures=1000)

    return make


def test_every_design_has_a_pace_and_its_share_of_the_floor(sample: Callable[..., Sample]) -> None:
    designs = list_designs(["sequential", "threading"], [1, 2])
    found = time_preprocessing(
        sample(b"a", b"b", b"c"), designs, Design("threading", 2), rounds=2, design_s=0.02, seed=1
    )
    assert list(zip(found["backend"], found["workers"], strict=True)) == [
        ("floor", 1), ("sequential", 1), ("threading", 1), ("threading", 2),
    ]  # fmt: skip
    assert found["of_floor"].iloc[0] == 1.0
    assert (found[["images_per_s", "processor_ms", "of_floor", "whole_s"]] > 0).all(axis=None)
    assert (found["least"] <= found["images_per_s"]).all()
    assert (found["images_per_s"] <= found["greatest"]).all()
    whole = found["start_s"] + 1000 / found["images_per_s"]
    pd.testing.assert_series_equal(found["whole_s"], whole, check_names=False)
    assert list(found["configured"]) == [False, False, False, True]


def test_captures_that_fail_take_no_part(sample: Callable[..., Sample]) -> None:
    kept = keep_usable(sample(b"a", EMPTY, b"c")).planned
    assert [one.path for one in kept] == ["0.png", "2.png"]


def test_a_sample_without_a_usable_capture_is_refused(sample: Callable[..., Sample]) -> None:
    with pytest.raises(InputError, match="none of 1 that were drawn"):
        time_preprocessing(sample(EMPTY), [FLOOR], FLOOR, rounds=1, design_s=0.01, seed=1)


def test_there_is_one_sequential_worker() -> None:
    designs = list_designs(["sequential", "loky"], [2, 4])
    assert designs == [FLOOR, Design("sequential", 1), Design("loky", 2), Design("loky", 4)]


@pytest.mark.parametrize(
    ("backend", "workers", "design"),
    [
        ("loky", -1, Design("loky", 8)),
        ("loky", 3, Design("loky", 3)),
        ("sequential", -1, Design("sequential", 1)),
    ],
)
def test_what_is_set_is_found_among_the_designs(backend: str, workers: int, design: Design) -> None:
    assert find_configured(backend, workers, cores=8) == design


def test_nothing_is_timed_with_a_backend_that_is_not_installed(
    sample: Callable[..., Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("selfsame.parallel.backends.find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"expected the package ray for the backend ray"):
        time_preprocessing(sample(b"a"), [FLOOR, Design("ray", 2)], FLOOR, rounds=1, design_s=0.01, seed=1)
