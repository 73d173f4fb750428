"""The typed parameters of inference. Their values are in conf/base/parameters_inference.yml."""

from pydantic import Field

from selfsame.matching.identification.gallery_settings import GallerySettings
from selfsame.parameters import Settings


class InferenceParameters(Settings):
    """How everyone enrolled is searched, and how much of the answer is shown."""

    candidates: int = Field(ge=1)  # identities listed for each presentation, best first
    gallery: GallerySettings  # for captures of one modality that are compared by embeddings
