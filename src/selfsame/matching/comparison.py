"""All comparisons of one figure, as matrices."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfsame.matching.figures import Figure
from selfsame.matching.presentations import (
    NOTHING,
    Presentations,
    Records,
    probe_presentations,
    reference_records,
    single_presentations,
    without_repeats,
)
from selfsame.matching.scoring import Score, attempted, same_instance, score_modality
from selfsame.matching.templates import Captures
from selfsame.matching.trial import Trial


@dataclass(frozen=True)
class Layout:
    """Which presentations of a figure are compared with which records.

    Attributes:
        figure: the modalities that take part.
        presentations: n probes.
        records: r references.
        probes: for each modality the captures that the presentations show.
        references: for each modality the captures that the records hold.
        meant: (n, r) whether both sides hold the same instance of some modality, acquired or not, and the
            comparison is not that of a capture with itself nor one that is listed the other way round. Meant
            but without a score is a comparison that a failure to acquire prevented.
    """

    figure: Figure
    presentations: Presentations
    records: Records
    probes: Mapping[str, Captures]
    references: Mapping[str, Captures]
    meant: NDArray[np.bool_]

    @cached_property
    def mated(self) -> NDArray[np.bool_]:
        """(n, r) whether both sides are the same subject."""
        return np.asarray(self.presentations.subjects[:, None] == self.records.subjects[None, :])

    def score(self, modality: str, score: Score) -> NDArray[np.float32]:
        """Score a modality: (n, r), NaN where the comparison was not meant or gave no score."""
        scores = score_modality(modality, self.presentations, self.probes[modality], self.records, score)
        return np.where(self.meant, scores, np.float32(np.nan))


def lay_out(figure: Figure, trial: Trial) -> Layout:
    """Lay out a figure of a trial.

    A figure of one modality takes every probe capture on its own; one of several takes presentations, which
    show one capture of each modality. Where captures are on both sides, every unordered pair is meant once.
    """
    probes = {modality: trial.probes[modality] for modality in figure.modalities}
    references = {modality: trial.references[modality] for modality in figure.modalities}
    presentations, records = present(figure, probes), reference_records(references)
    if len(probes) == 1:
        records = without_repeats(records)
    meant = np.any([attempted(m, presentations, probes[m], records) for m in probes], axis=0)
    for modality, captures in probes.items():
        meant &= ~_shares_capture(modality, presentations, captures, records, references[modality])
    layout = Layout(figure, presentations, records, probes, references, meant)
    if all(np.array_equal(probes[m].names, references[m].names) for m in probes):
        return replace(layout, meant=meant & ~_second_way_round(layout))
    return layout


def present(figure: Figure, probes: Mapping[str, Captures]) -> Presentations:
    """Lay out the presentations of a figure: captures of one modality, or one of each of several."""
    if len(figure.modalities) == 1:
        (modality,) = figure.modalities
        return single_presentations(modality, probes[modality])
    return probe_presentations({modality: probes[modality] for modality in figure.modalities})


def _shares_capture(
    modality: str, presentations: Presentations, probes: Captures, records: Records, references: Captures
) -> NDArray[np.bool_]:
    """Tell where both sides hold the very same capture: (presentations, records)."""
    same = np.zeros((len(presentations), len(records)), dtype=bool)
    for shown, kept, column in same_instance(modality, presentations, probes, records):
        left = probes.names[presentations.rows[modality][shown]]
        right = references.names[records.rows[modality][kept, column]]
        same[np.ix_(shown, kept)] = left[:, None] == right[None, :]
    return same


def _second_way_round(layout: Layout) -> NDArray[np.bool_]:
    """Tell which comparisons are meant the other way round, too, and come second: (presentations, records).

    Captures are told apart by their rows, presentations and records of several modalities by their names.
    """
    if len(layout.probes) == 1:
        (modality,) = layout.probes
        shown, kept = layout.presentations.rows[modality][:, None], _find_held(layout, modality)
        return np.asarray(shown > kept)
    names = np.unique(np.concatenate([layout.presentations.names, layout.records.names]))
    shown = np.searchsorted(names, layout.presentations.names)
    kept = np.searchsorted(names, layout.records.names)
    as_record, as_presentation = np.full((2, len(names)), NOTHING)
    as_record[kept], as_presentation[shown] = np.arange(len(kept)), np.arange(len(shown))
    mirrored = as_presentation[kept][None, :], as_record[shown][:, None]
    both = (mirrored[0] != NOTHING) & (mirrored[1] != NOTHING)
    return np.asarray(both & layout.meant[mirrored] & (shown[:, None] > kept[None, :]))


def tabulate_trial(layout: Layout) -> pd.DataFrame:
    """List the comparisons that are meant: probe, probe_subject, reference, reference_subject, mated.

    Where the figure is of one modality, both sides are captures; else presentations and records.
    """
    probe, reference = np.nonzero(layout.meant)
    if len(layout.probes) == 1:
        ((modality, references),) = layout.references.items()
        names = references.names[_find_held(layout, modality)[probe, reference]]
    else:
        names = layout.records.names[reference]
    return pd.DataFrame(
        {
            "probe": layout.presentations.names[probe],
            "probe_subject": layout.presentations.subjects[probe],
            "reference": names,
            "reference_subject": layout.records.subjects[reference],
            "mated": layout.mated[probe, reference],
        }
    )


def _find_held(layout: Layout, modality: str) -> NDArray[np.int64]:
    """Find the reference capture of each comparison of a modality: (n, r) rows, or NOTHING."""
    held = np.full((len(layout.presentations), len(layout.records)), NOTHING)
    sides = layout.presentations, layout.probes[modality], layout.records
    for shown, kept, column in same_instance(modality, *sides):
        held[np.ix_(shown, kept)] = layout.records.rows[modality][kept, column]
    return held
