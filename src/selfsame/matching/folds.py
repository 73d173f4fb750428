"""The folds of every protocol: who is compared with whom in each, and the scores that serve it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from selfsame.errors import InputError
from selfsame.matching.experiment import Experiment, Fold, Member, set_up_experiment
from selfsame.matching.figures import name_figures
from selfsame.matching.pairs import PairScores, index_trained, index_untrained
from selfsame.matching.templates import ANY, name_captures
from selfsame.matching.trial import indexes_by_modality, set_up_trial
from selfsame.protocols.assignment import list_folds, view_fold
from selfsame.protocols.names import Kind


@dataclass(frozen=True)
class Evidence:
    """Everything that is compared, whatever the protocol.

    Attributes:
        assignments: role and split of every capture under every protocol and fold.
        indexes: of each modality, in the workload's order.
        pairs: tables of scores of pairs of captures, with PAIR_COLUMNS; learnt ones with `weight`, too.
        qualities: of each modality the quality of its captures by name, NaN where it is not known.
    """

    assignments: pd.DataFrame
    indexes: Mapping[str, pd.DataFrame]
    pairs: Sequence[pd.DataFrame]
    qualities: Mapping[str, "pd.Series[float]"]

    def experiments(self, protocol: Kind) -> Iterator[Experiment]:
        """Compare all figures of a protocol, one after the other.

        A figure is of modalities that some fold compares; a fold whose people have none of one goes without.

        Raises:
            InputError: the captures were not assigned to the protocol, or a fold has too few subjects.
        """
        numbers = list_folds(self.assignments, protocol) or [0]
        folds = [self._set_up_fold(protocol, number) for number in numbers]
        compared = [m for m in self.indexes if any(m in fold.trial.modalities for fold in folds)]
        synthetic = {m for fold in folds for m in fold.trial.synthetic_impressions}
        for figure in name_figures(compared, synthetic):
            yield set_up_experiment(protocol, figure, folds, self.qualities)

    def version_of(self, modality: str, comparator: str, protocol: Kind) -> str:
        """Name the version of the templates behind a comparator's scores.

        Raises:
            InputError: there are no such scores.
        """
        for table in self.pairs:
            serving = table["protocol"].isin([ANY, protocol]) & (table["fold"] <= 0)
            rows = table[serving & (table["modality"] == modality) & (table["comparator"] == comparator)]
            if len(rows):
                return str(rows["version"].iloc[0])
        raise InputError(
            f"expected scores of {modality} by {comparator} under {protocol}, got none: choose another "
            "comparator in evaluation.fusion.chosen, or train a network"
        )

    def _set_up_fold(self, protocol: Kind, number: int) -> Fold:
        views = {
            modality: view_fold(index, self.assignments, protocol, number)
            for modality, index in self.indexes.items()
        }
        pairs = self._untrained | index_trained(self.pairs, protocol, number)
        return Fold(number, set_up_trial(views), pairs, read_weights(self.pairs, protocol, number))

    @cached_property
    def _untrained(self) -> dict[Member, PairScores]:
        """The scores that serve every fold: indexed once, whatever the number of folds."""
        return index_untrained(self.pairs)


def gather_evidence(
    assignments: pd.DataFrame, tables: Sequence[pd.DataFrame], quality: Mapping[str, str]
) -> Evidence:
    """Sort what an evaluation compares.

    Args:
        assignments: role and split of every capture under every protocol and fold.
        tables: the index of each modality, in the workload's order, and tables of scores of pairs.
        quality: of each modality the measure of its captures that says how good they are.

    Raises:
        InputError: there are no captures of any modality.
    """
    indexes = indexes_by_modality([table for table in tables if "comparator" not in table.columns])
    if not indexes:
        raise InputError(
            "expected captures of at least one modality of this workload, got none: all captures are of "
            "other modalities; run the workload that has them, or give another layout or folder"
        )
    return Evidence(
        assignments=assignments,
        indexes=indexes,
        pairs=[table for table in tables if "comparator" in table.columns],
        qualities={m: read_measure(index, quality.get(m, "")) for m, index in indexes.items()},
    )


def read_measure(index: pd.DataFrame, measure: str) -> "pd.Series[float]":
    """Read a measure of the captures of an index, by name; NaN where a capture has none.

    Args:
        index: of one modality.
        measure: its name; empty: no capture has one.

    Raises:
        InputError: captures have measures, but none has this one.
    """
    measured = [json.loads(text) for text in index["measures"]]
    known = sorted(set().union(*measured))
    if measure and known and measure not in known:
        raise InputError(
            f"expected a measure of {index['modality'].iloc[0]} of {', '.join(known)}, got {measure}: "
            "choose one of these in evaluation.fusion.quality"
        )
    values = [measures.get(measure, np.nan) for measures in measured]
    return pd.Series(values, index=name_captures(index), dtype="float64")


def read_weights(pairs: Sequence[pd.DataFrame], protocol: str, fold: int) -> dict[str, float]:
    """Read the weights of the modalities in the network that was trained for a fold."""
    weights: dict[str, float] = {}
    for table in pairs:
        if "weight" in table.columns:
            own = table[(table["protocol"] == protocol) & (table["fold"] == fold)]
            first = own.groupby("modality")["weight"].first()
            weights |= {str(modality): float(weight) for modality, weight in first.items()}
    return weights
