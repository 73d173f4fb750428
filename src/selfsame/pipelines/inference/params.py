"""The typed parameters of inference. Their values are in conf/base/parameters_inference.yml."""

from pydantic import BaseModel, ConfigDict, Field


class InferenceParameters(BaseModel):
    """How new captures are embedded, and how much of the answer is shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch_size: int = Field(gt=0)  # captures a step
    device: str  # cpu, cuda, or auto
    candidates: int = Field(gt=0)  # identities listed for each presentation, best first
