"""How the embeddings of everyone enrolled are kept for a search, and searched."""

from pydantic import Field, model_validator

from selfsame.matching.identification.quantisation import RowType
from selfsame.parameters import Settings


class GallerySettings(Settings):
    """How it is kept and searched; with float32 the answers are those of a comparison with everyone."""

    stored_as: RowType  # of an embedding's numbers; smaller types round the scores
    sketch: bool  # a copy in int8 that is read first: one byte more a number; the answers stay the same
    workers: int = Field(ge=1)  # threads that share the rows among them

    @model_validator(mode="after")
    def _sketch_floats(self) -> "GallerySettings":
        if self.sketch and self.stored_as == "int8":
            raise ValueError("expected sketch: false beside stored_as: int8, which is a sketch itself")
        return self
