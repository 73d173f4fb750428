"""The typed parameters of data engineering."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from selfsame.sources.layouts import OPTIONAL, REQUIRED, Layout, PathPattern
from selfsame.sources.limits import Limits
from selfsame.sources.splits import ListedReferences, SharedReferences

Share = Annotated[float, Field(ge=0, lt=1)]


class Block(BaseModel):
    """A block of parameters: fixed once read, and without room for a misspelt name."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Pattern(Block):
    """One pattern of a layout; see docs/layouts.md."""

    pattern: str
    subject: str
    modality: str
    instance: str
    capture: str | None = None
    sex: str | None = None
    hand: str | None = None
    finger: str | None = None
    device: str | None = None
    session: str | None = None
    values: dict[str, dict[str, str]] = Field(default_factory=dict)

    def to_domain(self) -> PathPattern:
        """Make the pattern that the layout reads paths with."""
        fields = {name: getattr(self, name) for name in (*REQUIRED, *OPTIONAL)}
        templates = {name: template for name, template in fields.items() if template is not None}
        return PathPattern(self.pattern, templates, self.values)


class ListedCaptures(Block):
    """References are the captures with these indices."""

    kind: Literal["listed"]
    indices: tuple[Annotated[int, Field(ge=1)], ...]
    share: Share  # not read by this kind

    def to_domain(self) -> ListedReferences:
        """Make the domain's rule."""
        return ListedReferences(self.indices)


class ShareOfCaptures(Block):
    """References are about this share of all captures, chosen by digest."""

    kind: Literal["share"]
    indices: tuple[Annotated[int, Field(ge=1)], ...]  # not read by this kind
    share: Share

    def to_domain(self) -> SharedReferences:
        """Make the domain's rule."""
        return SharedReferences(self.share)


class Protocol(Block):
    """What the kinds of protocol have in common: the same keys, so that the kind alone switches."""

    reference_captures: Annotated[ListedCaptures | ShareOfCaptures, Field(discriminator="kind")]
    validation_share: Share  # closed_set: of the reference captures; subject_disjoint: of the subjects
    test_share: Annotated[float, Field(gt=0, lt=1)]  # subject_disjoint: of the subjects; else not read


class ClosedSet(Protocol):
    """All subjects are known; their captures are split."""

    kind: Literal["closed_set"]


class SubjectDisjoint(Protocol):
    """The people of the test are never trained on."""

    kind: Literal["subject_disjoint"]

    @model_validator(mode="after")
    def _leave_subjects_for_training(self) -> Self:
        if self.validation_share + self.test_share >= 1:
            raise ValueError("expected validation_share + test_share under 1: nobody is left to train on")
        return self


class DataEngineering(Block):
    """What is read, how it is split, and with how many threads."""

    layouts: dict[str, tuple[Pattern, ...]]
    max_bytes: Annotated[int, Field(ge=1)]
    max_pixels: Annotated[int, Field(ge=1)]
    min_side_px: Annotated[int, Field(ge=1)]
    workers: Annotated[int, Field(ge=1)]  # threads
    protocol: Annotated[ClosedSet | SubjectDisjoint, Field(discriminator="kind")]

    def limits(self) -> Limits:
        """Make the limits of a file."""
        return Limits(self.max_bytes, self.max_pixels, self.min_side_px)

    def compile_layouts(self) -> list[Layout]:
        """Make the layouts, in their order."""
        return [
            Layout(name, [pattern.to_domain() for pattern in patterns])
            for name, patterns in self.layouts.items()
        ]
