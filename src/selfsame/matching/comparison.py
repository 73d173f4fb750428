"""All comparisons of one figure, as matrices and as a table."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfsame.matching.figures import Figure
from selfsame.matching.presentations import (
    Presentations,
    Records,
    probe_presentations,
    reference_records,
    single_presentations,
    without_repeats,
)
from selfsame.matching.scoring import attempted, fuse, score_modality
from selfsame.matching.search import subset_key
from selfsame.matching.templates import Templates

COUNTS = ["mated_attempted", "mated_failed", "probes_attempted", "probes_failed"]
ATTEMPT_COLUMNS = ["figure", "modalities", "subject_id", *COUNTS]
SCORE_COLUMNS = ["figure", "probe_subject", "reference_subject", "probe", "reference", "mated", "score"]


@dataclass(frozen=True)
class Compared:
    """Every presentation against every record.

    Attributes:
        presentations: n probes.
        records: r references.
        scores: (n, r) float32, NaN where there was nothing to compare.
        complete: (n, r) whether every modality of the figure took part in the score.
        meant: (n, r) whether both sides hold the same instance of some modality, acquired or not. Meant but
            without a score is a comparison that a failure to acquire prevented.
    """

    presentations: Presentations
    records: Records
    scores: NDArray[np.float32]
    complete: NDArray[np.bool_]
    meant: NDArray[np.bool_]

    @property
    def mated(self) -> NDArray[np.bool_]:
        """(n, r) whether both sides are the same subject."""
        return np.asarray(self.presentations.subjects[:, None] == self.records.subjects[None, :])


def present(figure: Figure, probes: Mapping[str, Templates]) -> Presentations:
    """Lay out the presentations of a figure.

    A figure of one modality takes every probe capture on its own; one of several takes presentations, which
    show one capture of each modality.
    """
    if len(figure.modalities) == 1:
        (modality,) = figure.modalities
        return single_presentations(modality, probes[modality])
    return probe_presentations({modality: probes[modality] for modality in figure.modalities})


def compare(
    figure: Figure,
    probes: Mapping[str, Templates],
    references: Mapping[str, Templates],
    weights: Mapping[str, float],
) -> Compared:
    """Compare the presentations of a figure with the records of its references, no capture pair twice."""
    shown = {modality: probes[modality] for modality in figure.modalities}
    presentations = present(figure, probes)
    records = reference_records({modality: references[modality] for modality in figure.modalities})
    if len(shown) == 1:
        records = without_repeats(records)
    scores = {m: score_modality(m, presentations, shown[m], records, references[m]) for m in shown}
    meant = [attempted(modality, presentations, shown[modality], records) for modality in shown]
    return Compared(
        presentations,
        records,
        scores=fuse(scores, weights, figure.modalities),
        complete=~np.any([np.isnan(score) for score in scores.values()], axis=0),
        meant=np.any(meant, axis=0),
    )


def tabulate_scores(compared: Mapping[Figure, Compared]) -> pd.DataFrame:
    """List the comparisons of all figures that gave a score, one row each, with SCORE_COLUMNS."""
    return pd.concat([_tabulate(figure, result) for figure, result in compared.items()], ignore_index=True)


def tabulate_attempts(compared: Mapping[Figure, Compared]) -> pd.DataFrame:
    """Count what was attempted and failed: a row a figure and subject presented, with ATTEMPT_COLUMNS."""
    tables = [
        count_attempts(result).assign(figure=figure.name, modalities=subset_key(figure.modalities))
        for figure, result in compared.items()
    ]
    return pd.concat(tables, ignore_index=True)[ATTEMPT_COLUMNS]


def count_attempts(compared: Compared) -> pd.DataFrame:
    """Count for each subject presented what was meant to be compared and what failures to acquire prevented.

    A probe fails where it was meant to be compared with records of its own subject and has no score with any.

    Returns:
        One row a subject, sorted: `subject_id` and COUNTS.
    """
    meant, scored = compared.meant & compared.mated, ~np.isnan(compared.scores) & compared.mated
    probes = meant.any(axis=1)
    counts = {
        "mated_attempted": meant.sum(axis=1),
        "mated_failed": (meant & ~scored).sum(axis=1),
        "probes_attempted": probes,
        "probes_failed": probes & ~scored.any(axis=1),
    }
    table = pd.DataFrame({name: count.astype(np.int64) for name, count in counts.items()})
    subjects = pd.Series(compared.presentations.subjects, name="subject_id", dtype="str")
    return table.groupby(subjects).sum().reset_index()


def _tabulate(figure: Figure, compared: Compared) -> pd.DataFrame:
    probe, reference = np.nonzero(~np.isnan(compared.scores))
    return pd.DataFrame(
        {
            "figure": figure.name,
            "probe_subject": compared.presentations.subjects[probe],
            "reference_subject": compared.records.subjects[reference],
            "probe": compared.presentations.names[probe],
            "reference": compared.records.names[reference],
            "mated": compared.mated[probe, reference],
            "score": compared.scores[probe, reference],
        },
        columns=SCORE_COLUMNS,
    )
