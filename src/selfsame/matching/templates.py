"""Templates: the embeddings of captures, with the captures that gave none kept as such."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfsame.errors import DamagedError, InputError, MismatchError

KEY = ["subject_id", "modality", "instance", "capture_index", "impression"]


@dataclass(frozen=True)
class Templates:
    """The captures of one modality on one side of a comparison.

    Attributes:
        names: (n,) capture_id, or capture_id/impression for a synthetic impression.
        subjects: (n,) subject_id.
        instances: (n,) instance, such as `left` or `right_thumb`.
        vectors: (n, d) float32 of unit length; a row of NaN where the capture could not be acquired.
    """

    names: NDArray[np.str_]
    subjects: NDArray[np.str_]
    instances: NDArray[np.str_]
    vectors: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.vectors)


def join_templates(index: pd.DataFrame, embeddings: pd.DataFrame) -> Templates:
    """Give every capture of an index its embedding, in the order (subject, instance, capture, impression).

    Args:
        index: rows of the index of one modality, failed ones included.
        embeddings: the embeddings table; rows of other captures are ignored.

    Raises:
        MismatchError: a capture that was acquired has no embedding.
        DamagedError: its embedding is not finite: that would pass for a failure to acquire.
    """
    known = embeddings[[*KEY, "embedding"]]
    table = index.merge(known, on=KEY, how="left", validate="one_to_one").sort_values(KEY, kind="stable")
    acquired = (table["status"] == "ok").to_numpy()
    missing = table.loc[acquired & table["embedding"].isna().to_numpy(), "capture_id"]
    if len(missing):
        raise MismatchError(
            f"expected an embedding of every acquired capture, got none of {len(missing)}, such as "
            f"{missing.iloc[0]}: the embeddings are of another run, make them again with the evaluation"
        )
    vectors = _vectors(table.loc[acquired, "embedding"], acquired)
    broken = table.loc[acquired & ~np.isfinite(vectors).all(axis=1), "capture_id"]
    if len(broken):
        raise DamagedError(
            f"expected finite embeddings, got NaN or infinite ones of {len(broken)} captures, such as "
            f"{broken.iloc[0]}: the model is broken, train it again"
        )
    return Templates(
        names=_names(table),
        subjects=table["subject_id"].to_numpy(dtype=str),
        instances=table["instance"].to_numpy(dtype=str),
        vectors=vectors,
    )


def find_embeddings(modality: str, templates: Templates, embeddings: pd.DataFrame) -> NDArray[np.int64]:
    """Find each template's embedding: (n,) positions in the embeddings table, -1 where it has none."""
    positions = np.flatnonzero((embeddings["modality"] == modality).to_numpy())
    places = dict(zip(_names(embeddings.iloc[positions]).tolist(), positions.tolist(), strict=True))
    return np.array([places.get(name, -1) for name in templates.names.tolist()], dtype=np.int64)


def _vectors(embeddings: "pd.Series[float]", acquired: NDArray[np.bool_]) -> NDArray[np.float32]:
    rows = [np.asarray(row, dtype=np.float32) for row in embeddings]
    if len({len(row) for row in rows}) > 1:
        raise InputError(
            f"expected embeddings of one length, got {sorted({len(row) for row in rows})}: "
            "they are of different models, make them again with the evaluation"
        )
    vectors = np.full((len(acquired), len(rows[0]) if rows else 1), np.nan, dtype=np.float32)
    if rows:
        vectors[acquired] = np.stack(rows)
    return vectors


def _names(table: pd.DataFrame) -> NDArray[np.str_]:
    captures = table["capture_id"].astype(str)
    numbered = captures + "/" + table["impression"].astype(str)
    return captures.where(table["impression"] == 0, numbered).to_numpy(dtype=str)
