"""The typed parameters of inference. Their values are in conf/base/parameters_inference.yml."""

from pydantic import BaseModel, ConfigDict, Field


class InferenceParameters(BaseModel):
    """How much of the answer is shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    candidates: int = Field(ge=1)  # identities listed for each presentation, best first
