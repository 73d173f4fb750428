"""Whom the trained classifier names for each presentation of a closed set."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfsame.learning.checkpoint import Checkpoint
from selfsame.learning.embedding.classification import classify_presentations
from selfsame.matching.comparison import present
from selfsame.matching.figures import Figure
from selfsame.matching.presentations import NOTHING
from selfsame.matching.templates import Captures, place_captures
from selfsame.matching.trial import Trial

NAMED_COLUMNS = ["figure", "presentation", "subject_id", "named", "score"]


def name_presentations(checkpoint: Checkpoint, trial: Trial, embeddings: pd.DataFrame) -> pd.DataFrame:
    """Name a training subject for every presentation of every figure.

    Under subject_disjoint nobody presented is a training subject, so the table is empty.

    Returns:
        One row a presentation, with NAMED_COLUMNS: whose it is, whom the classifier names, its score; the
        last two are null where no capture of it was acquired, or nobody in training had such an instance.
    """
    if trial.kind != "closed_set":
        return pd.DataFrame(columns=NAMED_COLUMNS, dtype="str").astype({"score": "float32"})
    places = {m: _find_embeddings(m, trial.probes[m], embeddings) for m in trial.modalities}
    tables = [_name_figure(figure, checkpoint, trial, embeddings, places) for figure in trial.figures]
    return pd.concat(tables, ignore_index=True)


def _name_figure(
    figure: Figure,
    checkpoint: Checkpoint,
    trial: Trial,
    embeddings: pd.DataFrame,
    places: Mapping[str, NDArray[np.int64]],
) -> pd.DataFrame:
    presentations = present(figure, trial.probes)
    shown = {m: np.where(row == NOTHING, NOTHING, places[m][row]) for m, row in presentations.rows.items()}
    scores = classify_presentations(checkpoint, embeddings, shown)
    best = np.argmax(scores, axis=1)
    score = np.take_along_axis(scores, best[:, None], axis=1)[:, 0]
    classified = np.isfinite(score)
    named = pd.Series(np.array(checkpoint.labels.subjects, dtype=str)[best], dtype="str")
    table = {
        "figure": pd.Series(figure.name, index=named.index, dtype="str"),
        "presentation": presentations.names,
        "subject_id": presentations.subjects,
        "named": named.where(classified),
        "score": np.where(classified, score, np.nan).astype(np.float32),
    }
    return pd.DataFrame(table, columns=NAMED_COLUMNS)


def _find_embeddings(modality: str, captures: Captures, embeddings: pd.DataFrame) -> NDArray[np.int64]:
    """Find each capture's embedding: (n,) positions in the embeddings table, -1 where it has none."""
    positions = np.flatnonzero((embeddings["modality"] == modality).to_numpy())
    return np.append(positions, -1)[place_captures(captures, embeddings.iloc[positions])]
