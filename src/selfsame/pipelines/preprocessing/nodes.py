"""The nodes that turn the captures of one modality into arrays, and say which row is what."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import pandas as pd

from selfsame.imaging.arrays import Shard, ShardedArrays
from selfsame.imaging.normalised import Normalised
from selfsame.imaging.shard_making import Recipe
from selfsame.imaging.shard_running import make_shards
from selfsame.imaging.sharding import digest_settings, plan_shards
from selfsame.imaging.timings import summarise_timings
from selfsame.pipelines.preprocessing.params import PreprocessingParameters, Resolution
from selfsame.sources.index import build_index, list_impressions, state_resolutions
from selfsame.sources.source import CaptureSource

logger = logging.getLogger(__name__)

SHARED_CODE = tuple(
    f"selfsame.imaging.{module}" for module in ("bmp", "decoding", "normalised", "resizing", "shard_making")
)
"""What, besides the package of its trait, decides a row's pixels."""


def normalise_captures(
    manifest: pd.DataFrame,
    captures: CaptureSource,
    made_shards: frozenset[str],
    parameters: PreprocessingParameters,
    seed: int,
) -> Iterator[Shard | str]:
    """Normalise the captures of one modality, shard by shard, while the shards are saved.

    Args:
        manifest: one row a capture, of all modalities.
        captures: where the files are.
        made_shards: names of the shards that are stored already and complete.
        parameters: what to make and with how many workers.
        seed: of the synthetic impressions.

    Returns:
        Every shard in order: its name where it is stored already, else the shard itself, made on demand.
    """
    impressions = list_impressions(
        manifest, modality=parameters.modality, synthetic_impressions=_count_synthetic(parameters)
    )
    if resolution := _find_resolution(parameters):
        impressions = state_resolutions(
            impressions,
            manifest,
            modality=parameters.modality,
            assumed_dpi=resolution.assumed_dpi,
            trust_files=resolution.trust_files,
        )
    plan = plan_shards(
        impressions,
        rows_per_shard=parameters.rows_per_shard,
        settings=_digest_pixels(parameters, seed if any(one.impression for one in impressions) else None),
    )
    logger.info(
        "%s: %d captures in %d shards, %d to make from %s",
        parameters.modality,
        sum(one.impression == 0 for one in impressions),
        len(plan),
        sum(shard.name not in made_shards for shard in plan),
        captures.root,
    )
    recipe = replace(build_recipe(parameters, seed), digest=digest_recipe(parameters))
    return make_shards(
        plan,
        made_shards,
        captures,
        recipe,
        backend=parameters.backend,
        workers=parameters.workers,
        address=parameters.address,
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
        "%s: %d rows, %d failed, %.0f images/s and worker",
        parameters.modality,
        len(arrays),
        int((index["status"] == "failed").sum()),
        timings["images_per_second"],
    )
    return index, timings


def build_recipe(parameters: PreprocessingParameters, seed: int) -> Recipe:
    """Bind the normalisation of a modality to its parameters; also for captures that are not stored.

    Args:
        parameters: of the modality.
        seed: of the synthetic impressions.
    """
    from selfsame.face import normalise_face
    from selfsame.fingerprint.distortion import distort_fingerprint
    from selfsame.fingerprint.normalisation import normalise_fingerprint
    from selfsame.imaging.decoding import decode_grey
    from selfsame.iris import normalise_iris

    chosen = parameters.normalisation
    height, width = chosen.height, chosen.width
    decode = partial(decode_grey, max_pixels=parameters.max_pixels)
    if chosen.kind == "iris":
        return Recipe(height, width, seed, decode, partial(normalise_iris, height=height, width=width))
    if chosen.kind == "face":
        return Recipe(height, width, seed, decode, partial(normalise_face, height=height, width=width))
    normalise: Callable[..., Normalised] = partial(normalise_fingerprint, height=height, width=width)
    if resolution := _find_resolution(parameters):
        normalise = partial(normalise, target_dpi=resolution.target_dpi)
    distort = partial(distort_fingerprint, model=chosen.synthetic_impressions.distortion)
    return Recipe(height, width, seed, decode, normalise, distort)


def _count_synthetic(parameters: PreprocessingParameters) -> int:
    chosen = parameters.normalisation
    return chosen.synthetic_impressions.count if chosen.kind == "fingerprint" else 0


def _find_resolution(parameters: PreprocessingParameters) -> Resolution | None:
    """Find how a modality is brought to a physical size, if it is."""
    chosen = parameters.normalisation
    if chosen.kind != "fingerprint" or chosen.resolution.target_dpi is None:
        return None
    return chosen.resolution


def digest_recipe(parameters: PreprocessingParameters) -> str:
    """Digest what a model has to share with the captures that it meets: how they are normalised.

    The settings and the code, but neither the synthetic impressions nor the versions of libraries: a model
    may move to another machine.
    """
    settings = parameters.normalisation.model_dump(mode="json", exclude={"synthetic_impressions"})
    return digest_settings(settings, _list_code(parameters), None)


def _digest_pixels(parameters: PreprocessingParameters, seed: int | None) -> str:
    """Digest what decides the pixels of a modality: not the number of workers, but the code that they run."""
    import cv2
    import PIL

    settings = parameters.model_dump(mode="json", include={"max_pixels", "normalisation"})
    versions = {"opencv": cv2.__version__, "pillow": PIL.__version__}
    return digest_settings({**settings, "versions": versions}, _list_code(parameters), seed)


def _list_code(parameters: PreprocessingParameters) -> tuple[str, ...]:
    return (f"selfsame.{parameters.normalisation.kind}", *SHARED_CODE)
