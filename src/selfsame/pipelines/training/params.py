"""The typed parameters of training."""

from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from selfsame.learning.regimen import EncoderSettings, Regimen


class TrainingParameters(BaseModel):
    """All of training: what is trained, and how. The blocks are explained in `selfsame.learning.regimen`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoder_of: dict[str, str]  # modality: encoder; modalities that name the same one share it
    encoders: dict[str, EncoderSettings]  # by name
    regimen: Regimen  # the course of the training

    @model_validator(mode="after")
    def _name_known_encoders(self) -> Self:
        unknown = sorted(set(self.encoder_of.values()) - set(self.encoders))
        if unknown:
            raise ValueError(
                f"expected encoder_of to name one of {', '.join(sorted(self.encoders))}, but got "
                f"{unknown[0]!r}"
            )
        return self
