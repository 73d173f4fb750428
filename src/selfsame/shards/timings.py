"""What making the shards took, by stage of the work."""

from collections.abc import Mapping

from selfsame.shards.arrays import ShardRecord

Timing = dict[str, float | dict[str, float]]


def summarise_timings(records: Mapping[str, ShardRecord]) -> dict[str, object]:
    """Sum up what the shards took when they were made, be it in this run or in an earlier one.

    Returns:
        For all shards together, and under `shards` for each by name: `impressions`, `failed`, `seconds` by
        stage (of one worker) and `images_per_second` (of one worker, reading and writing included).
    """
    shards = {name: _summarise([record]) for name, record in sorted(records.items())}
    return {**_summarise(list(records.values())), "shards": shards}


def _summarise(records: list[ShardRecord]) -> Timing:
    impressions = sum(len(record.entries) for record in records)
    stages = {stage: None for record in records for stage in record.seconds}
    seconds = {stage: round(sum(record.seconds.get(stage, 0.0) for record in records), 6) for stage in stages}
    total = sum(seconds.values())
    return {
        "impressions": impressions,
        "failed": impressions - sum(record.shape[0] for record in records),
        "seconds": seconds,
        "images_per_second": round(impressions / total, 1) if total else 0.0,
    }
