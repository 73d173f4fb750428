"""What is looked at more closely: quality, groups of people, the worst comparisons."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from selfsame.errors import InputError
from selfsame.evaluation.measurement import Resampling, comparisons_of
from selfsame.evaluation.results import Differential, DiscardCurve, GroupRates, Outcome, WorstComparison
from selfsame.matching.templates import name_captures
from selfsame.metrics.differentials import Differentials, Spread, measure_differentials
from selfsame.metrics.discard import comparison_quality, error_versus_discard, excess_area
from selfsame.metrics.verification import lowest_threshold
from selfsame.protocols.names import Kind

CURVE_POINTS = 50
"""Points of a discard curve, from nothing discarded to the largest share, that are kept for drawing."""

INDEX_MEASURES = ("visible_share", "foreground_share", "ridge_coherence")
"""Measures of the normalisation where higher is better; others, such as coordinates, are no quality."""

MANIFEST_MEASURES = ("sharpness", "contrast", "focus", "foreground_share", "ridge_coherence")


@dataclass(frozen=True)
class Closer:
    """What is asked for.

    Attributes:
        protocol: under which comparisons are looked at.
        largest_discard: share of the comparisons up to which a discard curve is shown and summed.
        columns: of the manifest, whose values make groups of people.
        smallest_group: subjects.
        worst: how many mated and non-mated comparisons are listed.
        fmr: false match rate of the threshold at which groups and qualities are compared.
    """

    protocol: Kind
    largest_discard: float
    columns: Sequence[str]
    smallest_group: int
    worst: int
    fmr: float


def measure_discards(
    outcomes: Sequence[Outcome], scores: pd.DataFrame, qualities: pd.DataFrame, asked: Closer
) -> list[DiscardCurve]:
    """Measure how FNMR falls where the comparisons of lowest quality are discarded.

    Args:
        outcomes: the figures of one modality, each by one comparator.
        scores: the table of scores.
        qualities: from `list_qualities`.
        asked: what is asked for.
    """
    curves = []
    for outcome in outcomes:
        rows = select_scores(scores, outcome)
        threshold = lowest_threshold(asked.fmr, rows.loc[~rows["mated"], "score"].to_numpy(dtype=np.float64))
        mated = rows[rows["mated"]]
        table = qualities[qualities["modality"] == outcome.modalities[0]].set_index("name")
        for measure in table.columns.drop("modality"):
            sides = [
                table[measure].reindex(mated[side]).to_numpy(dtype=np.float64)
                for side in ("probe", "reference")
            ]
            quality = comparison_quality(*sides)
            given = np.isfinite(quality)
            if given.any() and len(np.unique(quality[given])) > 1:
                failing = mated["score"].to_numpy(dtype=np.float64)[given]
                curve = error_versus_discard(quality[given], failing, threshold)
                shares = np.linspace(0.0, asked.largest_discard, CURVE_POINTS)
                curves.append(
                    DiscardCurve(
                        protocol=outcome.protocol,
                        figure=outcome.figure,
                        comparator=outcome.comparator,
                        measure=str(measure),
                        threshold=threshold,
                        shares=shares.tolist(),
                        fnmr=np.clip(curve.fnmr_at(shares), 0.0, 1.0).tolist(),
                        partial_area=excess_area(curve, asked.largest_discard),
                    )
                )
    return curves


def list_qualities(manifest: pd.DataFrame, indexes: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """List the quality measures of every capture and synthetic impression: name, modality, measures."""
    tables = []
    for index in indexes:
        rows = index[["capture_id", "impression", "modality"]].assign(name=name_captures(index))
        measured = pd.DataFrame([json.loads(text) for text in index["measures"]], index=index.index)
        own = measured[[name for name in INDEX_MEASURES if name in measured.columns]]
        captured = manifest[["capture_id", *(n for n in MANIFEST_MEASURES if n not in own.columns)]]
        table = pd.concat([rows, own], axis=1).merge(captured, on="capture_id", how="left")
        tables.append(table.drop(columns=["capture_id", "impression"]))
    return pd.concat(tables, ignore_index=True)


def measure_groups(
    outcomes: Sequence[Outcome],
    scores: pd.DataFrame,
    manifest: pd.DataFrame,
    asked: Closer,
    resampling: Resampling,
) -> list[Differential]:
    """Compare the error rates of groups of people at one threshold, or say why that cannot be done."""
    return [
        _compare_groups(outcome, column, select_scores(scores, outcome), manifest, asked, resampling)
        for column in asked.columns
        for outcome in outcomes
    ]


def _compare_groups(
    outcome: Outcome,
    column: str,
    rows: pd.DataFrame,
    manifest: pd.DataFrame,
    asked: Closer,
    resampling: Resampling,
) -> Differential:
    place = {"protocol": outcome.protocol, "figure": outcome.figure, "comparator": outcome.comparator}
    if column not in manifest.columns:
        return _refuse(place, column, f"the manifest has no column {column}")
    group_of = _group_people(manifest[manifest["modality"].isin(outcome.modalities)], column)
    comparisons = comparisons_of(rows)
    threshold = lowest_threshold(asked.fmr, comparisons.scores[~comparisons.mated])
    try:
        measured = measure_differentials(
            comparisons,
            group_of,
            threshold,
            least_subjects=asked.smallest_group,
            multiplicities=resampling.multiplicities(len(comparisons.subjects)),
        )
    except InputError:
        return _refuse(place, column, f"no subject's {column} is known")
    if measured.fnmr_spread is None:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in measured.left_out.items())
        return _refuse(place, column, reasons or f"all subjects are {', '.join(measured.groups)}")
    return _describe_groups(place, column, measured, measured.fnmr_spread)


def _group_people(captures: pd.DataFrame, column: str) -> dict[str, str]:
    """Read each subject's group from captures that all state the same; who is told of otherwise has none.

    Only captures of the modalities that are compared count: where a data set joins the traits of two people
    under one name, what is known of the one is not known of the other.
    """
    values = captures[column].astype("object")
    stated = values.notna().groupby(captures["subject_id"]).all()
    agreed = values.groupby(captures["subject_id"]).nunique() == 1
    first = values.groupby(captures["subject_id"]).first()
    return {str(name): str(value) for name, value in first[stated & agreed].items()}


def _refuse(place: Mapping[str, str], column: str, reason: str) -> Differential:
    return Differential.model_validate(
        {
            **place, "column": column, "threshold": None, "groups": {}, "fnmr_spread": None,
            "fnmr_spread_interval": None, "refused": reason,
        }
    )  # fmt: skip


def _describe_groups(
    place: Mapping[str, str], column: str, measured: Differentials, spread: Spread
) -> Differential:
    fields = ("subjects", "mated", "non_mated", "fnmr", "fnmr_interval", "fmr", "fmr_interval")
    groups = {
        name: GroupRates.model_validate({field: getattr(group, field) for field in fields})
        for name, group in measured.groups.items()
    }
    return Differential.model_validate(
        {
            **place, "column": column, "threshold": measured.threshold, "groups": groups,
            "fnmr_spread": spread.difference, "fnmr_spread_interval": spread.interval,
            "refused": None,
        }
    )  # fmt: skip


def list_worst(outcomes: Sequence[Outcome], scores: pd.DataFrame, asked: Closer) -> Iterator[WorstComparison]:
    """List the mated comparisons of lowest and the non-mated ones of highest score of each figure."""
    fields = ["protocol", "figure", "comparator", "mated", "probe", "probe_subject", "reference"]
    fields += ["reference_subject", "score"]
    for outcome in outcomes:
        rows = select_scores(scores, outcome).sort_values(["score", "probe", "reference"])
        worst = [rows[rows["mated"]].head(asked.worst), rows[~rows["mated"]].tail(asked.worst).iloc[::-1]]
        for row in pd.concat(worst)[fields].to_dict("records"):
            yield WorstComparison.model_validate(row)


def select_scores(scores: pd.DataFrame, outcome: Outcome) -> pd.DataFrame:
    """Select the rows of the table of scores that an outcome was measured on."""
    return scores[
        (scores["protocol"] == outcome.protocol)
        & (scores["figure"] == outcome.figure)
        & (scores["comparator"] == outcome.comparator)
    ]
