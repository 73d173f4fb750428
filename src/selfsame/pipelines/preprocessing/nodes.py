"""The nodes that turn the captures of one modality into arrays, and say which row is what."""

import logging
from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from selfsame.pipelines.preprocessing.params import PreprocessingParameters
from selfsame.pipelines.preprocessing.recipes import (
    build_recipe,
    digest_pixels,
    digest_recipe,
    plan_impressions,
)
from selfsame.shards.arrays import Shard, ShardedArrays
from selfsame.shards.making import ShardStore
from selfsame.shards.planning import plan_shards
from selfsame.shards.running import make_shards
from selfsame.shards.timings import summarise_timings
from selfsame.sources.index import build_index
from selfsame.sources.source import CaptureSource

logger = logging.getLogger(__name__)


def normalise_captures(
    manifest: pd.DataFrame,
    captures: CaptureSource,
    made_shards: ShardStore,
    parameters: PreprocessingParameters,
    seed: int,
) -> Iterator[Shard | str]:
    """Normalise the captures of one modality, shard by shard, while the shards are saved.

    Args:
        manifest: one row a capture, of all modalities.
        captures: where the files are.
        made_shards: the shards that are stored already and complete, and where workers put others.
        parameters: what to make and with how many workers.
        seed: of the synthetic impressions.

    Returns:
        Every shard in order: its name where it is stored, else the shard itself; both are made on demand.
    """
    impressions = plan_impressions(manifest, parameters, synthetic=_count_synthetic(parameters))
    plan = plan_shards(
        impressions,
        rows_per_shard=parameters.rows_per_shard,
        settings=digest_pixels(parameters, seed if any(one.impression for one in impressions) else None),
    )
    logger.info(
        "%s: %d captures in %d shard%s, %d to make from %s",
        parameters.modality,
        sum(one.impression == 0 for one in impressions),
        len(plan),
        "" if len(plan) == 1 else "s",
        sum(shard.name not in made_shards.made for shard in plan),
        captures.root,
    )
    recipe = replace(build_recipe(parameters, seed), digest=digest_recipe(parameters))
    return make_shards(
        plan,
        made_shards.made,
        captures,
        recipe,
        backend=parameters.backend,
        workers=parameters.workers,
        address=parameters.address,
        writer=made_shards.writer,
    )


def index_arrays(
    arrays: ShardedArrays, manifest: pd.DataFrame, parameters: PreprocessingParameters
) -> tuple[pd.DataFrame, dict[str, object]]:
    """Say what each row of the arrays is, and what making them took.

    Args:
        arrays: all shards of the modality, with their records.
        manifest: the rows that they were made from.
        parameters: which modality.

    Returns:
        The index (see `build_index`) and the timings (see `summarise_timings`).
    """
    index = build_index(arrays.records, manifest, modality=parameters.modality)
    timings = summarise_timings(arrays.records)
    logger.info(
        "%s: %d rows, %d failed, %.0f images/s a worker",
        parameters.modality,
        len(arrays),
        int((index["status"] == "failed").sum()),
        timings["images_per_second"],
    )
    return index, timings


def _count_synthetic(parameters: PreprocessingParameters) -> int:
    chosen = parameters.normalisation
    return chosen.synthetic_impressions.count if chosen.kind == "fingerprint" else 0
