"""Scores of presentations against records, looked up or computed capture by capture."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from selfsame.matching.presentations import NOTHING, Presentations, Records
from selfsame.matching.templates import Captures

Score = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]]
"""Compares the probe captures of some rows (p,) with the reference captures of others (r,): (p, r)
similarities, NaN where a capture was not acquired or the two cannot be compared."""


def score_modality(
    modality: str,
    presentations: Presentations,
    probes: Captures,
    records: Records,
    score: Score,
) -> NDArray[np.float32]:
    """Compare what each presentation shows of a modality with the same instance of each record.

    Returns:
        (presentations, records) similarities, NaN where either side has no such instance or no template.
    """
    scores = np.full((len(presentations), len(records)), np.nan, dtype=np.float32)
    for shown, kept, column in same_instance(modality, presentations, probes, records):
        left, right = presentations.rows[modality][shown], records.rows[modality][kept, column]
        scores[np.ix_(shown, kept)] = score(left, right)
    return scores


def attempted(
    modality: str, presentations: Presentations, probes: Captures, records: Records
) -> NDArray[np.bool_]:
    """Tell which comparisons of a modality were meant to be: (presentations, records), acquired or not."""
    meant = np.zeros((len(presentations), len(records)), dtype=bool)
    for shown, kept, _ in same_instance(modality, presentations, probes, records):
        meant[np.ix_(shown, kept)] = True
    return meant


def same_instance(
    modality: str, presentations: Presentations, probes: Captures, records: Records
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], int]]:
    """Yield for each instance the presentations and the records that have it, and its column."""
    rows = presentations.rows[modality]
    instances = (
        np.where(rows == NOTHING, "", probes.instances[rows]) if len(probes) else np.full(rows.shape, "")
    )
    for column, instance in enumerate(records.instances[modality]):
        shown = np.flatnonzero(instances == instance)
        kept = np.flatnonzero(records.rows[modality][:, column] != NOTHING)
        if len(shown) and len(kept):
            yield shown, kept, column
