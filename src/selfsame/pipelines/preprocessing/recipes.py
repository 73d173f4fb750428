"""The recipe of a modality, as its parameters ask for it: what is normalised and how, and its digests."""

import hashlib
import json
from collections.abc import Callable
from functools import partial
from importlib import import_module

import pandas as pd

from selfsame.code_digest import list_imported
from selfsame.imaging.normalised import Normalised
from selfsame.pipelines.preprocessing.params import PreprocessingParameters, Resolution
from selfsame.shards.making import Recipe
from selfsame.shards.planning import PlannedImpression, digest_settings
from selfsame.sources.index import list_impressions, state_resolutions

WITHOUT_PIXELS = ("selfsame.errors", "selfsame.parameters")
"""Modules that normalisations import and that decide no pixel."""


def build_recipe(parameters: PreprocessingParameters, seed: int) -> Recipe:
    """Bind the normalisation of a modality to its parameters; also for captures that are not stored.

    Args:
        parameters: of the modality.
        seed: of the synthetic impressions.
    """
    from selfsame.face.normalisation import normalise_face
    from selfsame.fingerprint.distortion import distort_fingerprint
    from selfsame.fingerprint.normalisation import normalise_fingerprint
    from selfsame.imaging.decoding import decode_grey
    from selfsame.iris.normalisation import normalise_iris

    chosen = parameters.normalisation
    height, width = chosen.height, chosen.width
    decode = partial(decode_grey, max_pixels=parameters.max_pixels)
    if chosen.kind == "iris":
        return Recipe(height, width, seed, decode, partial(normalise_iris, height=height, width=width))
    if chosen.kind == "face":
        return Recipe(height, width, seed, decode, partial(normalise_face, height=height, width=width))
    normalise: Callable[..., Normalised] = partial(normalise_fingerprint, height=height, width=width)
    if resolution := find_resolution(parameters):
        normalise = partial(normalise, target_dpi=resolution.target_dpi)
    distort = partial(distort_fingerprint, model=chosen.synthetic_impressions.distortion)
    return Recipe(height, width, seed, decode, normalise, distort)


def plan_impressions(
    manifest: pd.DataFrame, parameters: PreprocessingParameters, *, synthetic: int
) -> list[PlannedImpression]:
    """List the impressions of a modality, with their resolution where the normalisation is by physical size.

    Args:
        manifest: one row a capture.
        parameters: of the modality.
        synthetic: how many synthetic impressions a capture gets at most, see `list_impressions`.
    """
    modality = parameters.modality
    impressions = list_impressions(manifest, modality=modality, synthetic_impressions=synthetic)
    resolution = find_resolution(parameters)
    if resolution is None:
        return impressions
    return state_resolutions(
        impressions,
        manifest,
        modality=modality,
        assumed_dpi=resolution.assumed_dpi,
        trust_files=resolution.trust_files,
    )


def find_resolution(parameters: PreprocessingParameters) -> Resolution | None:
    """Find how a modality is brought to a physical size, if it is."""
    chosen = parameters.normalisation
    if chosen.kind != "fingerprint" or chosen.resolution.target_dpi is None:
        return None
    return chosen.resolution


def digest_recipe(parameters: PreprocessingParameters) -> str:
    """Digest what a model has to share with the captures that it meets: how they are normalised.

    The settings and the version that the normalisation states of itself, but neither the synthetic
    impressions nor code and libraries: a model may move to another machine and to another release.
    """
    settings = parameters.normalisation.model_dump(mode="json", exclude={"synthetic_impressions"})
    version = int(import_module(_name_normalisation(parameters)).NORMALISATION_VERSION)
    return hashlib.sha256(json.dumps([settings, version], sort_keys=True).encode()).hexdigest()


def digest_pixels(parameters: PreprocessingParameters, seed: int | None) -> str:
    """Digest what decides the pixels of a modality: not the number of workers, but the code that they run."""
    import cv2
    import PIL

    settings = parameters.model_dump(mode="json", include={"max_pixels", "normalisation"})
    versions = {"opencv": cv2.__version__, "pillow": PIL.__version__}
    return digest_settings({**settings, "versions": versions}, list_code(parameters), seed)


def list_code(parameters: PreprocessingParameters) -> tuple[str, ...]:
    """List the modules that decide the pixels of a modality: what its recipe calls, and all they import."""
    called = [_name_normalisation(parameters), "selfsame.imaging.decoding"]
    if parameters.normalisation.kind == "fingerprint":
        called.append("selfsame.fingerprint.distortion")
    return list_imported(called, without=WITHOUT_PIXELS)


def _name_normalisation(parameters: PreprocessingParameters) -> str:
    """Name the module that normalises a modality, by the kind of its trait."""
    return f"selfsame.{parameters.normalisation.kind}.normalisation"
