"""Shards made of captures: what goes in, what fails and why, and who makes them."""

import hashlib
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np
import pytest

from selfsame.errors import CaptureError, SourceLostError
from selfsame.imaging.normalised import Normalised
from selfsame.shards.checksums import checksum
from selfsame.shards.making import STAGES, Recipe, fail_shard, join_shards, make_shard
from selfsame.shards.planning import PlannedImpression, PlannedShard, plan_shards
from selfsame.shards.running import make_shards

HEIGHT, WIDTH = 4, 6


@dataclass(frozen=True)
class Files:
    """A source of captures in memory."""

    contents: dict

    def read(self, path, *, at_most=None):
        content = self.contents[path]
        if isinstance(content, Exception):
            raise content
        return content[:at_most]


def decode(data):
    if data.startswith(b"broken"):
        raise CaptureError("truncated", "expected more")
    return np.frombuffer(data, np.uint8).reshape(HEIGHT, WIDTH)


def normalise(grey, height=HEIGHT, width=WIDTH):
    if grey[0, 0] == 0:
        raise CaptureError("no_pupil", "expected a pupil")
    if grey[0, 0] == 1:
        raise ZeroDivisionError("a bug")
    return Normalised(
        255 - grey[:height, :width], np.where(grey > 99, 255, 0).astype(np.uint8), {"first": grey[0, 0]}
    )


def distort(grey, rng, strength):
    return np.maximum(grey, rng.integers(2, strength, grey.shape, dtype=np.uint8))


RECIPE = Recipe(HEIGHT, WIDTH, 5, decode, normalise, partial(distort, strength=200))


def make_content(first, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, HEIGHT * WIDTH, dtype=np.uint8)
    pixels[0] = first
    return pixels.tobytes()


def plan(contents, impressions=1):
    rows = [
        PlannedImpression(hashlib.sha256(content).hexdigest()[:24], path, path, checksum(content), impression)
        for path, content in contents.items()
        for impression in range(impressions)
    ]
    return PlannedShard("s", tuple(rows))


def test_image_and_mask_become_the_two_channels_of_a_row():
    contents = {"a": make_content(9, 1), "b": make_content(8, 2)}
    shard = make_shard(plan(contents), Files(contents), RECIPE)
    for row, content in zip(shard.pixels, contents.values(), strict=True):
        grey = decode(content)
        np.testing.assert_array_equal(row[0], 255 - grey)
        np.testing.assert_array_equal(row[1], np.where(grey > 99, 255, 0))
    assert [entry.measures for entry in shard.record.entries] == [{"first": 9.0}, {"first": 8.0}]
    assert list(shard.record.seconds) == list(STAGES)


FAILURES = {
    "truncated": (b"broken", None, False),
    "no_pupil": (make_content(0), None, False),
    "unexpected": (make_content(1), None, True),
    "missing_file": (make_content(9), FileNotFoundError(), True),
    "unreadable": (make_content(9), PermissionError(13, "Permission denied"), True),
    "changed": (make_content(9), make_content(8), True),
}


@pytest.mark.parametrize("reason", FAILURES)
def test_a_failed_capture_is_an_entry_with_a_reason_and_no_row(reason):
    listed, found, tried_again = FAILURES[reason]
    contents = {"a": make_content(7, 1), "bad": listed, "b": make_content(8, 2)}
    planned = plan(contents)
    shard = make_shard(planned, Files({**contents, "bad": found or listed}), RECIPE)
    assert [entry.reason for entry in shard.record.entries] == [None, reason, None]
    assert [entry.row for entry in shard.record.entries] == [0, -1, 1]
    assert shard.record.entries[1].detail
    assert shard.pixels.shape == shard.record.shape == (2, 2, HEIGHT, WIDTH)
    assert shard.record.provisional is tried_again


def test_where_the_whole_source_is_lost_no_capture_is_set_aside():
    contents = {"a": make_content(7, 1), "b": make_content(8, 2)}
    files = Files({**contents, "b": SourceLostError("expected captures in x, but the folder is gone")})
    with pytest.raises(SourceLostError, match="the folder is gone"):
        make_shard(plan(contents), files, RECIPE)


def test_a_file_that_has_grown_is_not_read_whole_and_counts_as_changed():
    content = make_content(9)
    asked = []

    class Growing(Files):
        def read(self, path, *, at_most=None):
            asked.append(at_most)
            return super().read(path, at_most=at_most)

    planned = PlannedShard("s", (replace(plan({"a": content}).impressions[0], size=len(content)),))
    shard = make_shard(planned, Growing({"a": content + b"x" * 99}), RECIPE)
    assert shard.record.entries[0].reason == "changed"
    assert asked == [len(content) + 1]


def test_time_that_a_failing_capture_takes_counts_for_the_stage_that_failed(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("selfsame.shards.making.time.perf_counter", lambda: now[0])

    def normalise_slowly(grey):
        now[0] += 3.0
        return normalise(grey)

    contents = {"bad": make_content(0), "good": make_content(9)}
    shard = make_shard(plan(contents), Files(contents), replace(RECIPE, normalise=normalise_slowly))
    assert shard.record.seconds == {**dict.fromkeys(STAGES, 0.0), "normalise": 6.0}


def test_threads_of_opencv_are_as_before_once_the_shards_are_made(many):
    before = cv2.getNumThreads()
    seen = []
    cv2.setNumThreads(3)
    try:
        recipe = replace(RECIPE, decode=lambda data: seen.append(cv2.getNumThreads()) or decode(data))
        shards = plan_shards(plan(many).impressions, rows_per_shard=32, settings="s")
        list(make_shards(shards, (), Files(many), recipe, backend="sequential", workers=1))
        assert cv2.getNumThreads() == 3
    finally:
        cv2.setNumThreads(before)
    assert set(seen) == {1}


def test_a_shard_of_failures_only_has_no_rows():
    contents = {"a": make_content(0)}
    assert make_shard(plan(contents), Files(contents), RECIPE).pixels.shape == (0, 2, HEIGHT, WIDTH)


def test_a_result_of_another_size_is_not_passed_on():
    contents = {"a": make_content(9)}
    shard = make_shard(
        plan(contents), Files(contents), replace(RECIPE, normalise=partial(normalise, height=3))
    )
    assert shard.record.entries[0].reason == "unexpected"


def test_a_capture_that_cannot_be_decoded_fails_with_all_its_impressions():
    contents = {"a": b"broken"}
    shard = make_shard(plan(contents, impressions=2), Files(contents), RECIPE)
    assert [entry.reason for entry in shard.record.entries] == ["truncated", "truncated"]


def test_shards_made_apart_and_joined_are_the_shard_made_at_once(many):
    impressions = plan(many, impressions=2).impressions
    whole = make_shard(PlannedShard("s", impressions), Files(many), RECIPE)
    apart = [
        make_shard(PlannedShard("s", impressions[i : i + 2]), Files(many), RECIPE)
        for i in range(0, len(impressions), 2)
    ]
    joined = join_shards("s", apart)
    np.testing.assert_array_equal(joined.pixels, whole.pixels)
    assert joined.record.model_copy(update={"seconds": {}}) == whole.record.model_copy(update={"seconds": {}})
    assert joined.record.seconds == {
        stage: pytest.approx(sum(part.record.seconds[stage] for part in apart)) for stage in STAGES
    }


def test_a_shard_that_failed_as_a_whole_has_every_impression_and_no_row():
    planned = plan({"a": make_content(9), "b": make_content(8)}, impressions=2)
    shard = fail_shard(planned, RECIPE, "worker_died", "it died")
    assert shard.pixels.shape == shard.record.shape == (0, 2, HEIGHT, WIDTH)
    assert [(entry.row, entry.impression, entry.reason) for entry in shard.record.entries] == [
        (-1, 0, "worker_died"),
        (-1, 1, "worker_died"),
    ] * 2
    assert shard.record.provisional


def test_synthetic_impressions_follow_seed_capture_and_number():
    contents = {"a": make_content(9, 1), "b": make_content(9, 2)}
    first = make_shard(plan(contents, impressions=3), Files(contents), RECIPE).pixels
    again = make_shard(plan(contents, impressions=3), Files(contents), RECIPE).pixels
    other = make_shard(plan(contents, impressions=3), Files(contents), replace(RECIPE, seed=6)).pixels
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first[[0, 3]], other[[0, 3]])  # the captures themselves
    assert len({row.tobytes() for row in (*first, *other)}) == 10


def test_an_impression_does_not_depend_on_its_neighbours():
    contents = {"a": make_content(9, 1), "b": make_content(9, 2)}
    both = make_shard(plan(contents, impressions=2), Files(contents), RECIPE).pixels
    alone = make_shard(plan({"b": contents["b"]}, impressions=2), Files(contents), RECIPE).pixels
    np.testing.assert_array_equal(both[2:], alone)


@pytest.fixture(scope="module")
def many():
    return {f"{i}": make_content(i % 50, i) for i in range(120)}


def run(many, backend, workers, made=frozenset()):
    shards = plan_shards(plan(many, impressions=2).impressions, rows_per_shard=32, settings="s")
    return shards, list(make_shards(shards, made, Files(many), RECIPE, backend=backend, workers=workers))


@pytest.mark.parametrize(("backend", "workers"), [("sequential", 2), ("threading", 1), ("threading", 3)])
def test_backend_and_workers_do_not_change_a_bit(many, backend, workers):
    _, expected = run(many, "sequential", 1)
    _, got = run(many, backend, workers)
    assert [shard.name for shard in got] == [shard.name for shard in expected]
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)
        assert one.record.entries == other.record.entries


def test_made_shards_come_by_name_and_are_not_read_again(many):
    shards, every = run(many, "sequential", 1)
    made = frozenset(shard.name for shard in shards[:-1])
    last = shards[-1]
    source = Files({one.path: many[one.path] for one in last.impressions})
    got = list(make_shards(shards, made, source, RECIPE, backend="sequential", workers=1))
    assert got[:-1] == [shard.name for shard in shards[:-1]]
    np.testing.assert_array_equal(got[-1].pixels, every[-1].pixels)
