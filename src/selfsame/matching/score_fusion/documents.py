"""Fitted objects as JSON documents: plain numbers and words, checked when they are read back."""

import json
from typing import Annotated, Self

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from selfsame.errors import DamagedError

Number = Annotated[float, Field(allow_inf_nan=False)]
"""A finite number; JSON writes it with all the digits that float64 needs, so it comes back bit for bit."""

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Documented:
    """What a fitted frozen dataclass inherits, so that it can be written to JSON and read back."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)

    def to_document(self) -> dict[str, object]:
        """Describe the fitted numbers with dicts, lists, words and numbers only."""
        document: dict[str, object] = TypeAdapter(type(self)).dump_python(self, mode="json")
        return document

    @classmethod
    def from_document(cls, document: object) -> Self:
        """Read back what `to_document` wrote.

        Raises:
            DamagedError: a field is missing, unknown, of the wrong type, or not finite.
        """
        try:
            return TypeAdapter(cls).validate_json(json.dumps(document))
        except (ValidationError, TypeError, ValueError) as error:
            raise DamagedError(
                f"expected the document of a {cls.__name__}, got one that differs at {_first_fault(error)}: "
                "fit it again"
            ) from error


def _first_fault(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    fault = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, fault['loc'])) or 'its root'} ({fault['msg']})"
