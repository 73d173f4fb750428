"""What blocks of parameters have in common: a base class, and types of shares."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
"""A part of a whole, or all of it."""

PartialShare = Annotated[float, Field(ge=0, lt=1)]
"""A part of a whole that leaves some of it."""


class Settings(BaseModel):
    """A block of parameters: fixed once read, and without room for a misspelt name."""

    model_config = ConfigDict(frozen=True, extra="forbid")
