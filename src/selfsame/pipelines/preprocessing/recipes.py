"""The recipe of a modality: its normalisation as the parameters ask for it, and the digest of both."""

from collections.abc import Callable
from functools import partial

from selfsame.imaging.normalised import Normalised
from selfsame.imaging.shard_making import Recipe
from selfsame.imaging.sharding import digest_settings
from selfsame.pipelines.preprocessing.params import PreprocessingParameters, Resolution

SHARED_CODE = tuple(
    f"selfsame.imaging.{module}"
    for module in ("bmp", "decoding", "normalised", "pgm", "resizing", "shard_making")
)
"""What, besides the package of its trait, decides a row's pixels."""


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


def find_resolution(parameters: PreprocessingParameters) -> Resolution | None:
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


def digest_pixels(parameters: PreprocessingParameters, seed: int | None) -> str:
    """Digest what decides the pixels of a modality: not the number of workers, but the code that they run."""
    import cv2
    import PIL

    settings = parameters.model_dump(mode="json", include={"max_pixels", "normalisation"})
    versions = {"opencv": cv2.__version__, "pillow": PIL.__version__}
    return digest_settings({**settings, "versions": versions}, _list_code(parameters), seed)


def _list_code(parameters: PreprocessingParameters) -> tuple[str, ...]:
    return (f"selfsame.{parameters.normalisation.kind}", *SHARED_CODE)
