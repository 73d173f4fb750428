"""Sharding: which captures share a shard, and what the shard is called."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from selfsame.code_digest import digest_code

FORMAT = 5
"""Version of what a shard's file and record look like and of how its synthetic impressions are drawn
(`imaging.shard_making`); another number makes every shard again."""

MAX_SHARDS = 4096
"""Every memory-mapped shard holds a file descriptor, of which systems allow a process some thousands."""


@dataclass(frozen=True, slots=True)
class PlannedImpression:
    """One row to be: an impression of a capture.

    Attributes:
        capture_id: of the capture, the beginning of the hexadecimal SHA-256 of its bytes.
        identity: what the capture is of, independent of where its file lies; decides the shard.
        path: of its file, relative to the source's root.
        xxh128: checksum of its bytes, by which a changed file is noticed.
        impression: 0 for the capture itself, from 1 for synthetic impressions.
        size: of its file in bytes, hardly more of which is read; None where nobody knows.
        resolution_dpi: px per inch of the capture, where the normalisation is by physical size; else None.
    """

    capture_id: str
    identity: str
    path: str
    xxh128: str
    impression: int
    size: int | None = None
    resolution_dpi: float | None = None


@dataclass(frozen=True)
class PlannedShard:
    """The impressions of one shard, in order, under the digest of all that decides its content."""

    name: str
    impressions: tuple[PlannedImpression, ...]


def digest_settings(settings: object, code: Sequence[str], seed: int | None) -> str:
    """Digest what decides the pixels besides the captures: settings, code and, where it is used, the seed.

    Args:
        settings: what JSON can write.
        code: names of the packages and modules that do the work; their source is digested. An edited comment
            counts as a change: shards made twice are cheaper than shards made by code that is gone.
        seed: of the synthetic impressions, or None where there are none.
    """
    whole = json.dumps([FORMAT, settings, seed, digest_code(code)], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()


def plan_shards(
    impressions: Iterable[PlannedImpression], *, rows_per_shard: int, settings: str
) -> tuple[PlannedShard, ...]:
    """Divide impressions into shards of at most about `rows_per_shard` rows, by a hash of their identity.

    The number of shards is a power of two, so that a capture that comes, goes or changes touches one shard
    until their number doubles. A capture's impressions are in one shard. None at all make one empty shard.

    Args:
        impressions: in the order that the rows of a shard shall have.
        rows_per_shard: about the most rows of a shard; more where there would be over `MAX_SHARDS`.
        settings: digest of what else decides the pixels, from `digest_settings`.
    """
    rows = list(impressions)
    count = min(1 << max(-(-len(rows) // rows_per_shard) - 1, 0).bit_length(), MAX_SHARDS)
    buckets: dict[int, list[PlannedImpression]] = {}
    for row in rows:
        drawn = hashlib.sha256(row.identity.encode()).digest()
        buckets.setdefault(int.from_bytes(drawn[:8], "little") % count, []).append(row)
    members = [tuple(buckets[bucket]) for bucket in sorted(buckets)] or [()]
    return tuple(PlannedShard(_name(shard, settings), shard) for shard in members)


def _name(impressions: Sequence[PlannedImpression], settings: str) -> str:
    content: list[object] = [settings, [[one.capture_id, one.impression] for one in impressions]]
    if any(one.resolution_dpi is not None for one in impressions):
        content.append([one.resolution_dpi for one in impressions])
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]
