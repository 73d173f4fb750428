"""The typed parameters of inference. Their values are in conf/base/parameters_inference.yml."""

from pydantic import Field

from selfsame.parameters import Settings


class InferenceParameters(Settings):
    """How much of the answer is shown."""

    candidates: int = Field(ge=1)  # identities listed for each presentation, best first
