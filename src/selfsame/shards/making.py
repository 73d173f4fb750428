"""Making a shard: its captures are read, decoded, distorted and normalised in one thread."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from operator import attrgetter
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from selfsame.errors import CaptureError, SourceLostError
from selfsame.imaging.normalised import Normalised
from selfsame.shards.arrays import CHANNELS, FAILED, Entry, Shard, ShardRecord
from selfsame.shards.checksums import checksum, checksum_pixels
from selfsame.shards.planning import PlannedImpression, PlannedShard

STAGES = ("read", "decode", "distort", "normalise", "pack")
"""What making a shard consists of, in order; writing it follows."""

PASSING = frozenset({"missing_file", "unreadable", "link_outside_root", "changed", "unexpected"})
"""Reasons that are not the capture's own: they may be gone at the next run, which therefore tries again."""

WORKER_DIED = "worker_died"
"""The reason of a capture that ended two processes, the second of them its own. It counts as the capture's
(a failure to acquire), but the next run tries it again: a machine short of memory kills processes as well.
"""


class Reader(Protocol):
    """What a shard needs of a source of captures; worker processes get a copy."""

    def read(self, path: str, *, at_most: int | None = None) -> bytes:
        """Read one file: whole, or its first `at_most` bytes."""
        ...


Reach = Literal["process", "machine", "anywhere"]
"""From where shards can be written: this process alone, all processes of this machine, or any machine."""


class ShardWriter(Protocol):
    """Where workers can put the shards that they make; worker processes get a copy."""

    @property
    def reach(self) -> Reach:
        """From where it can be written."""
        ...

    def deliver(self, shard: Shard) -> None:
        """Write a shard, whole or not at all, as a worker.

        Raises:
            InputError: it cannot be written.
        """
        ...


@dataclass(frozen=True)
class ShardStore:
    """What is stored already, and where more can be put.

    Attributes:
        made: names of the shards that need not be made again.
        writer: of others.
    """

    made: frozenset[str]
    writer: ShardWriter


@dataclass(frozen=True)
class Recipe:
    """How one modality's captures become rows. It can be pickled if its functions can.

    Attributes:
        height: rows of the result, in px.
        width: columns of the result, in px.
        seed: of the synthetic impressions.
        decode: from the bytes of a file to (h, w) uint8 grey levels.
        normalise: from grey levels to (height, width); where the plan states the capture's resolution, it is
            called with `resolution_dpi` as well.
        distort: from grey levels to those of a synthetic impression.
        digest: of the settings and the version of the normalisation; it is recorded with each shard.
    """

    height: int
    width: int
    seed: int
    decode: Callable[[bytes], NDArray[np.uint8]]
    normalise: Callable[..., Normalised]
    distort: Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]] | None = None
    digest: str = ""


def make_shard(planned: PlannedShard, source: Reader, recipe: Recipe) -> Shard:
    """Read, decode, distort and normalise every impression of a shard, in one thread.

    A capture that fails becomes an entry with its reason and no row.

    Raises:
        SourceLostError: no capture can be read any more.
    """
    clock = _Clock()
    rows = _Rows(len(planned.impressions), recipe)
    entries: list[Entry] = []
    for _, group in groupby(planned.impressions, key=attrgetter("capture_id", "path")):
        grey: NDArray[np.uint8] | None = None
        for one in group:
            try:
                grey = _read(one, source, recipe, clock) if grey is None else grey
                normalised = _normalise(one, grey, recipe, clock)
                clock.turn_to("pack")
                row = rows.add(normalised)
            except CaptureError as error:
                entries.append(_failed(one, error.reason, error.detail))
            except SourceLostError:
                raise
            except Exception as error:  # one capture must not cost the run; it is counted and tried again
                entries.append(_failed(one, "unexpected", f"{type(error).__name__}: {error}"))
            else:
                entries.append(_normalised(one, row, normalised.measures))
    return _finish(planned.name, rows.pixels, entries, clock.stop(), recipe.digest)


def fail_shard(planned: PlannedShard, recipe: Recipe, reason: str, detail: str) -> Shard:
    """Make a shard without rows, all of whose impressions failed for one reason."""
    pixels = np.empty((0, CHANNELS, recipe.height, recipe.width), np.uint8)
    entries = [_failed(one, reason, detail) for one in planned.impressions]
    return _finish(planned.name, pixels, entries, _Clock().stop(), recipe.digest)


def join_shards(name: str, parts: Sequence[Shard]) -> Shard:
    """Join shards made of consecutive captures to the one that `make_shard` would have made of all.

    Args:
        name: of the whole.
        parts: one or more, made by one recipe.
    """
    pixels = np.concatenate([part.pixels for part in parts])
    starts = accumulate((len(part.pixels) for part in parts), initial=0)
    entries = [
        entry if entry.row == FAILED else entry._replace(row=start + entry.row)
        for start, part in zip(starts, parts, strict=False)
        for entry in part.record.entries
    ]
    seconds = {stage: sum(part.record.seconds[stage] for part in parts) for stage in STAGES}
    return _finish(name, pixels, entries, seconds, parts[0].record.recipe)


def _finish(
    name: str,
    pixels: NDArray[np.uint8],
    entries: Sequence[Entry],
    seconds: dict[str, float],
    digest: str,
) -> Shard:
    rows, channels, height, width = pixels.shape
    record = ShardRecord.model_construct(  # nothing of it comes from outside
        shape=(rows, channels, height, width),
        xxh128=checksum_pixels(pixels),
        entries=tuple(entries),
        seconds=seconds,
        provisional=any(entry.reason in PASSING or entry.reason == WORKER_DIED for entry in entries),
        recipe=digest,
    )
    return Shard(name, pixels, record)


def _read(one: PlannedImpression, source: Reader, recipe: Recipe, clock: "_Clock") -> NDArray[np.uint8]:
    """Read and decode a capture, provided that it still is what the manifest lists."""
    clock.turn_to("read")
    data = _read_listed(one, source)
    clock.turn_to("decode")
    return recipe.decode(data)


def _read_listed(one: PlannedImpression, source: Reader) -> bytes:
    try:
        data = source.read(one.path, at_most=None if one.size is None else one.size + 1)
    except FileNotFoundError:
        raise CaptureError(
            "missing_file", f"expected a file at {one.path}, found none: put it back"
        ) from None
    except OSError as error:
        raise CaptureError(
            "unreadable", f"expected to read {one.path}, got {error.strerror or error}"
        ) from None
    if checksum(data) != one.xxh128:
        raise CaptureError(
            "changed",
            f"expected the bytes of capture {one.capture_id} at {one.path}, got others: run data_engineering",
        )
    return data


def _normalise(
    one: PlannedImpression, grey: NDArray[np.uint8], recipe: Recipe, clock: "_Clock"
) -> Normalised:
    if one.impression:
        if recipe.distort is None:
            raise ValueError(f"expected a recipe that distorts for impression {one.impression}, got none")
        drawn = (recipe.seed, int(one.capture_id, 16), one.impression)
        clock.turn_to("distort")
        grey = recipe.distort(grey, np.random.default_rng(drawn))
    clock.turn_to("normalise")
    stated = {} if one.resolution_dpi is None else {"resolution_dpi": one.resolution_dpi}
    normalised = recipe.normalise(grey, **stated)
    if normalised.image.shape != (recipe.height, recipe.width):
        raise ValueError(f"expected {recipe.height}x{recipe.width} px, got {normalised.image.shape}")
    return normalised


def _normalised(one: PlannedImpression, row: int, measures: dict[str, float]) -> Entry:
    plain = {name: float(value) for name, value in measures.items()}
    return Entry(one.capture_id, one.impression, row, None, None, plain)


def _failed(one: PlannedImpression, reason: str, detail: str) -> Entry:
    return Entry(one.capture_id, one.impression, FAILED, reason, detail, {})


class _Rows:
    """The rows of a shard, each copied to its place."""

    def __init__(self, most: int, recipe: Recipe) -> None:
        self._places = np.empty((most, CHANNELS, recipe.height, recipe.width), np.uint8)
        self._count = 0

    def add(self, normalised: Normalised) -> int:
        """Take one more row, and number it."""
        place = self._places[self._count]
        place[0], place[1] = normalised.image, normalised.mask
        self._count += 1
        return self._count - 1

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """(rows, 2, height, width) of the rows that were taken."""
        return self._places[: self._count]


class _Clock:
    """Counts the seconds that each stage of the work takes, also where the work fails."""

    def __init__(self) -> None:
        self._seconds = dict.fromkeys(STAGES, 0.0)
        self._stage: str | None = None
        self._since = 0.0

    def turn_to(self, stage: str) -> None:
        """Count the time from now on for this stage."""
        now = time.perf_counter()
        if self._stage:
            self._seconds[self._stage] += now - self._since
        self._stage, self._since = stage, now

    def stop(self) -> dict[str, float]:
        """Tell the seconds of every stage."""
        if self._stage:
            self.turn_to(self._stage)
        return self._seconds
