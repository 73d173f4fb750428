"""Whom the trained classifier names for each presentation of a closed set."""

import numpy as np
import pandas as pd

from selfsame.learning.checkpoint import Checkpoint
from selfsame.learning.classification import classify_presentations
from selfsame.matching.comparison import present
from selfsame.matching.presentations import NOTHING
from selfsame.matching.templates import find_embeddings
from selfsame.matching.trial import Trial

NAMED_COLUMNS = ["figure", "presentation", "subject_id", "named", "score"]


def name_presentations(checkpoint: Checkpoint, trial: Trial, embeddings: pd.DataFrame) -> pd.DataFrame:
    """Name a training subject for every presentation of every figure.

    A presentation none of whose captures was acquired is left out. Under subject_disjoint nobody presented is
    a training subject, so the table is empty.

    Returns:
        One row a presentation, with NAMED_COLUMNS: whose it is, whom the classifier names, its score.
    """
    figures = trial.figures if trial.kind == "closed_set" else []
    places = {m: find_embeddings(m, trial.probes[m], embeddings) for m in trial.modalities}
    labels = np.array(checkpoint.labels.subjects, dtype=str)
    tables = [pd.DataFrame(columns=NAMED_COLUMNS).astype({"score": np.float32})]
    for figure in figures:
        presentations = present(figure, trial.probes)
        shown = {
            m: np.where(row == NOTHING, NOTHING, places[m][row]) for m, row in presentations.rows.items()
        }
        scores = classify_presentations(checkpoint, embeddings, shown)
        best = np.argmax(scores, axis=1)
        score = np.take_along_axis(scores, best[:, None], axis=1)[:, 0]
        table = pd.DataFrame(
            {
                "figure": figure.name,
                "presentation": presentations.names,
                "subject_id": presentations.subjects,
                "named": labels[best],
                "score": score.astype(np.float32),
            }
        )
        tables.append(table[np.isfinite(score)])
    return pd.concat(tables[1:] or tables, ignore_index=True)
