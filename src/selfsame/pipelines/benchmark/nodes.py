"""The nodes that time preprocessing and loading, and report what they found."""

import logging

import pandas as pd

from selfsame.errors import InputError
from selfsame.pipelines.benchmark.params import BenchmarkParameters
from selfsame.pipelines.preprocessing.params import PreprocessingParameters
from selfsame.pipelines.preprocessing.recipes import build_recipe, plan_impressions
from selfsame.shards.arrays import ShardedArrays
from selfsame.sources.source import CaptureSource

logger = logging.getLogger(__name__)


def time_captures(
    manifest: pd.DataFrame,
    captures: CaptureSource,
    parameters: PreprocessingParameters,
    asked: BenchmarkParameters,
    seed: int,
) -> pd.DataFrame:
    """Time the preprocessing of a sample of one modality's captures by every backend; nothing is written.

    Args:
        manifest: one row a capture, of all modalities.
        captures: where the files are.
        parameters: how the modality is preprocessed.
        asked: what is compared.
        seed: of the sample and of the order of the runs.

    Returns:
        One row a design, see `benchmarking.preprocessing.time_preprocessing`, with `modality` and `captures`
        (of the whole set); none where the modality has no captures.
    """
    from selfsame.benchmarking.machine import count_cores
    from selfsame.benchmarking.preprocessing import (
        COLUMNS,
        Sample,
        find_configured,
        list_designs,
        time_preprocessing,
    )

    rows = manifest[manifest["modality"] == parameters.modality]
    if rows.empty:
        return pd.DataFrame(columns=["modality", "captures", *COLUMNS])
    cores = count_cores()
    chosen = rows.sample(min(asked.preprocessing.captures, len(rows)), random_state=seed)
    planned = tuple(plan_impressions(chosen, parameters, synthetic=0))
    recipe = build_recipe(parameters, seed)
    sample = Sample(planned, captures, recipe, parameters.rows_per_shard, len(rows))
    designs = list_designs(asked.preprocessing.backends, asked.list_workers(cores))
    configured = find_configured(parameters.backend, parameters.workers, cores)
    told = "%s: %d designs on %d of %d captures, %d rounds of some %.1f s and the start of workers"
    round_s = asked.design_s * len(designs)
    logger.info(told, parameters.modality, len(designs), len(planned), len(rows), asked.rounds, round_s)
    speeds = time_preprocessing(
        sample, designs, configured, rounds=asked.rounds, design_s=asked.design_s, seed=seed
    )
    speeds.insert(0, "modality", parameters.modality)
    speeds.insert(1, "captures", len(rows))
    return speeds


def time_batches(
    asked: BenchmarkParameters, seed: int, *arrays_and_indexes: ShardedArrays | pd.DataFrame
) -> pd.DataFrame:
    """Time the loading of batches, a plain copy, and a DataLoader of one file an image.

    Args:
        asked: what is compared.
        seed: of the presentations and of the order of the runs.
        arrays_and_indexes: arrays and index of each modality in turn.

    Returns:
        One row a design, see `benchmarking.loading.time_loading`.
    """
    from selfsame.benchmarking.loading import list_designs, time_loading
    from selfsame.learning.training.modalities import sort_by_modality

    arrays, _ = sort_by_modality(arrays_and_indexes)
    filled = [one for one in arrays.values() if len(one)]
    if not filled:
        raise InputError("expected normalised captures to load, but all of them failed: see the index")
    loading = asked.loading
    designs = list_designs(loading.batch_sizes, loading.prefetch, loading.file_workers)
    logger.info("loading: %d designs of %d modalities, %d rounds", len(designs), len(filled), asked.rounds)
    return time_loading(
        filled,
        designs,
        presentations=loading.presentations,
        rounds=asked.rounds,
        design_s=asked.design_s,
        seed=seed,
    )


def report_speeds(*speeds: pd.DataFrame) -> tuple[dict[str, object], object]:
    """Say what to set, and draw the speeds.

    Args:
        speeds: of the preprocessing of each modality, and last those of the loading, where it is timed.

    Returns:
        The benchmark (see `benchmarking.advice.Benchmark`) as JSON, and a matplotlib figure.

    Raises:
        InputError: there are no captures.
    """
    from selfsame.benchmarking.advice import (
        describe_disturbance,
        describe_loading,
        describe_preprocessing,
        summarise_speeds,
    )
    from selfsame.reporting.speeds import draw_speeds

    preprocessing = [table for table in speeds if "modality" in table.columns and len(table)]
    loading = next((table for table in speeds if "modality" not in table.columns), None)
    if not preprocessing:
        raise InputError("expected captures of the workload's modalities in the manifest, found none")
    found = summarise_speeds(preprocessing, loading)
    for one in found.preprocessing:
        logger.info("preprocessing of %s", describe_preprocessing(one))
    if found.loading is not None:
        logger.info("loading: %s", describe_loading(found.loading))
    if disturbed := describe_disturbance(found):
        logger.warning("%s", disturbed)
    return found.model_dump(mode="json"), draw_speeds(preprocessing, loading)
