"""Scores: the cosine of two templates, and the weighted mean of the cosines of several modalities."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from selfsame.errors import InputError
from selfsame.matching.presentations import NOTHING, Presentations, Records
from selfsame.matching.templates import Templates


def cosine(probes: NDArray[np.float32], references: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compare (p, d) with (r, d) templates of unit length: (p, r) similarities in [-1, 1].

    A row of NaN (a capture that was not acquired) gives NaN.
    """
    products: NDArray[np.float32] = np.clip(probes @ references.T, -1.0, 1.0)
    return products


def score_modality(
    modality: str, presentations: Presentations, probes: Templates, records: Records, references: Templates
) -> NDArray[np.float32]:
    """Compare what each presentation shows of a modality with the same instance of each record.

    Returns:
        (presentations, records) cosines, NaN where either side has no such instance or no template of it.
    """
    scores = np.full((len(presentations), len(records)), np.nan, dtype=np.float32)
    for shown, kept, column in _same_instance(modality, presentations, probes, records):
        left = probes.vectors[presentations.rows[modality][shown]]
        right = references.vectors[records.rows[modality][kept, column]]
        if left.shape[1] == right.shape[1]:  # sides differ only where one of them acquired nothing
            scores[np.ix_(shown, kept)] = cosine(left, right)
    return scores


def attempted(
    modality: str, presentations: Presentations, probes: Templates, records: Records
) -> NDArray[np.bool_]:
    """Tell which comparisons of a modality were meant to be: (presentations, records), acquired or not."""
    meant = np.zeros((len(presentations), len(records)), dtype=bool)
    for shown, kept, _ in _same_instance(modality, presentations, probes, records):
        meant[np.ix_(shown, kept)] = True
    return meant


def fuse(
    scores: Mapping[str, NDArray[np.floating]], weights: Mapping[str, float], modalities: Sequence[str]
) -> NDArray[np.float32]:
    """Average the scores of the modalities that both sides have: sum(w s) / sum(w).

    Args:
        scores: for each modality an array of one shape; NaN where it cannot be compared.
        weights: for each modality its weight, above 0.
        modalities: which of them take part.

    Returns:
        The fused scores, NaN where no modality is present.

    Raises:
        InputError: a modality has no weight above 0.
    """
    for modality in modalities:
        if not weights.get(modality, 0.0) > 0.0:
            raise InputError(
                f"expected a weight above 0 for {modality}, got {weights.get(modality)}: "
                "the checkpoint was trained without this modality"
            )
    total = np.zeros(scores[modalities[0]].shape, dtype=np.float64)
    mass = np.zeros_like(total)
    for modality in modalities:
        present = ~np.isnan(scores[modality])
        total += np.where(present, scores[modality], 0.0) * weights[modality]
        mass += present * weights[modality]
    fused = np.divide(total, mass, out=np.full_like(total, np.nan), where=mass > 0)
    return fused.astype(np.float32)


def _same_instance(
    modality: str, presentations: Presentations, probes: Templates, records: Records
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
