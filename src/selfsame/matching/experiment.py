"""The comparisons of a protocol, figure by figure, over all its folds, with the score of every member."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfsame.matching.comparison import lay_out, tabulate_trial
from selfsame.matching.figures import Figure
from selfsame.matching.pairs import PairScores
from selfsame.matching.scoring import Score
from selfsame.matching.templates import Captures
from selfsame.matching.trial import Trial
from selfsame.protocols.names import Kind

TRIAL_COLUMNS = [
    "protocol", "fold", "figure", "probe", "probe_subject", "reference", "reference_subject", "mated",
]  # fmt: skip
SCORE_COLUMNS = [*TRIAL_COLUMNS[:3], "comparator", *TRIAL_COLUMNS[3:], "score", "llr"]
COUNTS = ["mated_attempted", "mated_failed", "probes_attempted", "probes_failed"]
ATTEMPT_COLUMNS = ["protocol", "figure", "modalities", "comparator", "subject_id", *COUNTS]

Member = tuple[str, str]
"""A modality and the comparator that scores it."""


@dataclass(frozen=True)
class Fold:
    """What a fold compares, and the scores of its pairs of captures.

    Attributes:
        number: from 0.
        trial: both sides.
        pairs: of each modality and comparator the scores of pairs of captures.
        weights: of the network that was trained for this fold, by modality; empty where there is none.
    """

    number: int
    trial: Trial
    pairs: Mapping[Member, PairScores]
    weights: Mapping[str, float]


@dataclass(frozen=True)
class Experiment:
    """All comparisons of one figure under one protocol: n of them, over all folds.

    Attributes:
        protocol: who is in what.
        figure: which modalities take part.
        trials: n rows: fold, probe, probe_subject, reference, reference_subject, mated.
        scores: (n,) float32 for each modality and comparator, NaN where it gave none.
        qualities: (n,) float32 for each modality, that of the worse side; NaN where it is not known.
        weights: (n, modalities) of the network that was trained for the comparison's fold, NaN without one.
        synthetic: for each modality whether its probes are synthetic impressions.
    """

    protocol: Kind
    figure: Figure
    trials: pd.DataFrame
    scores: Mapping[Member, NDArray[np.float32]]
    qualities: Mapping[str, NDArray[np.float32]]
    weights: NDArray[np.float64]
    synthetic: Mapping[str, bool]

    def comparators(self) -> list[str]:
        """Name the comparators that score every modality of the figure, in their order."""
        held = [[c for m, c in self.scores if m == modality] for modality in self.figure.modalities]
        return [comparator for comparator in held[0] if all(comparator in others for others in held)]

    def stack(self, chosen: Mapping[str, str]) -> NDArray[np.float64]:
        """Stack the scores of the chosen comparator of each modality: (n, modalities)."""
        columns = [self.scores[modality, chosen[modality]] for modality in self.figure.modalities]
        return np.stack(columns, axis=1).astype(np.float64)

    def stack_qualities(self) -> NDArray[np.float64]:
        """Stack the qualities of the modalities: (n, modalities)."""
        columns = [self.qualities[modality] for modality in self.figure.modalities]
        return np.stack(columns, axis=1).astype(np.float64)


def set_up_experiment(
    protocol: Kind, figure: Figure, folds: Sequence[Fold], qualities: Mapping[str, "pd.Series[float]"]
) -> Experiment:
    """Compare everything that a figure's folds mean to compare.

    Args:
        protocol: who is in what.
        figure: which modalities take part.
        folds: of the protocol.
        qualities: of each modality the quality of its captures, by name.
    """
    parts = [_compare_fold(fold, figure, qualities) for fold in folds]
    tables, scores, worse, weights = zip(*parts, strict=True)
    shown = [[m for m in figure.modalities if m in fold.trial.modalities] for fold in folds]
    return Experiment(
        protocol=protocol,
        figure=figure,
        trials=pd.concat(tables, ignore_index=True).assign(protocol=protocol, figure=figure.name),
        scores=_join_scores(scores, [len(table) for table in tables], shown),
        qualities={m: np.concatenate([part[m] for part in worse]) for m in figure.modalities},
        weights=np.concatenate(weights),
        synthetic={
            m: any(m in fold.trial.synthetic_impressions for fold in folds) for m in figure.modalities
        },
    )


def _compare_fold(
    fold: Fold, figure: Figure, qualities: Mapping[str, "pd.Series[float]"]
) -> tuple[
    pd.DataFrame, dict[Member, NDArray[np.float32]], dict[str, NDArray[np.float32]], NDArray[np.float64]
]:
    """Compare what one fold means to compare: its trials, scores, qualities and weights."""
    layout = lay_out(figure, fold.trial)
    place = np.nonzero(layout.meant)
    sides = {m: (fold.trial.probes[m], fold.trial.references[m]) for m in figure.modalities}
    scores = {
        (modality, comparator): layout.score(modality, pairs.between(*sides[modality]))[place]
        for (modality, comparator), pairs in fold.pairs.items()
        if modality in figure.modalities
    }
    worse = {m: layout.score(m, _worse(qualities[m], *sides[m]))[place] for m in figure.modalities}
    weights = [fold.weights.get(modality, np.nan) for modality in figure.modalities]
    trials = tabulate_trial(layout).assign(fold=np.int32(fold.number))
    return trials, scores, worse, np.tile(np.array(weights, dtype=np.float64), (len(trials), 1))


def count_attempts(experiment: Experiment, comparator: str, scored: NDArray[np.bool_]) -> pd.DataFrame:
    """Count for each subject presented what was meant to be compared and what failures to acquire prevented.

    A probe fails where it was meant to be compared with records of its own subject and has no score with any.

    Args:
        experiment: what was meant.
        comparator: whose scores are counted.
        scored: (n,) which comparisons gave one.

    Returns:
        One row a subject with a mated comparison, sorted, with ATTEMPT_COLUMNS.
    """
    mated = experiment.trials["mated"].to_numpy()
    rows = experiment.trials.loc[mated, ["probe_subject", "fold", "probe"]].assign(scored=scored[mated])
    probes = rows.groupby(["probe_subject", "fold", "probe"], sort=True)["scored"].agg(["size", "sum", "any"])
    counts = pd.DataFrame(
        {
            "mated_attempted": probes["size"],
            "mated_failed": probes["size"] - probes["sum"],
            "probes_attempted": 1,
            "probes_failed": (~probes["any"]).astype(int),
        }
    ).groupby("probe_subject", sort=True)
    table = counts.sum().astype("int64").rename_axis("subject_id").reset_index()
    modalities = "+".join(experiment.figure.modalities)
    return table.assign(
        protocol=experiment.protocol,
        figure=experiment.figure.name,
        modalities=modalities,
        comparator=comparator,
    )[ATTEMPT_COLUMNS]


def _worse(qualities: "pd.Series[float]", probes: Captures, references: Captures) -> Score:
    """Give the quality of the worse side of each comparison."""
    left = qualities.reindex(probes.names).to_numpy(dtype=np.float32)
    right = qualities.reindex(references.names).to_numpy(dtype=np.float32)

    def look_up(shown: NDArray[np.int64], kept: NDArray[np.int64]) -> NDArray[np.float32]:
        lower: NDArray[np.float32] = np.minimum(left[shown][:, None], right[kept][None, :])
        return lower

    return look_up


def _join_scores(
    parts: Sequence[Mapping[Member, NDArray[np.float32]]],
    lengths: Sequence[int],
    shown: Sequence[Sequence[str]],
) -> dict[Member, NDArray[np.float32]]:
    """Join the scores of the folds.

    A comparator is left out if it lacks a fold that shows its modality: it was not made for all of them. In
    a fold that does not show it, it has no score.
    """
    members = dict.fromkeys(member for part in parts for member in part)
    whole = [
        member
        for member in members
        if all(member in part or member[0] not in some for part, some in zip(parts, shown, strict=True))
    ]
    return {
        member: np.concatenate(
            [
                part.get(member, np.full(length, np.nan, dtype=np.float32))
                for part, length in zip(parts, lengths, strict=True)
            ]
        )
        for member in whole
    }
