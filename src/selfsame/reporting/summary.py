"""All results of an evaluation in one document."""

from collections.abc import Mapping, Sequence

import pandas as pd

from selfsame.matching.figures import figure_name
from selfsame.matching.protocol import protocol_kind, select_probes, select_references
from selfsame.metrics.intervals import CONFIDENCE
from selfsame.reporting.measurement import (
    Resampling,
    measure_acquisition,
    measure_classification,
    measure_identification,
    measure_verification,
)
from selfsame.reporting.results import Metrics, Protocol


def measure_all(
    scores: pd.DataFrame,
    attempts: pd.DataFrame,
    named: pd.DataFrame,
    indexes: Mapping[str, pd.DataFrame],
    *,
    model_version: str,
    fusion_weights: Mapping[str, float],
    fmrs: Sequence[float],
    ranks_shown: int,
    resampling: Resampling,
) -> Metrics:
    """Measure every figure of the table of scores.

    Args:
        scores: from `tabulate_scores`.
        attempts: from `tabulate_attempts`; its order is the order of the figures.
        named: from `name_presentations`.
        indexes: the index of each modality, failed captures included.
        model_version: which model made the embeddings.
        fusion_weights: the weight of each modality.
        fmrs: false match rates at which FNMR is stated.
        ranks_shown: length of the cumulative match characteristic.
        resampling: how the intervals are drawn.
    """
    rows = {str(name): table for name, table in scores.groupby("figure", sort=False)}
    counts = {str(row.pop("figure")): row for row in attempts.to_dict("records")}
    modalities = {name: str(row.pop("modalities")).split("+") for name, row in counts.items()}
    tried = {name: {str(key): int(value) for key, value in row.items()} for name, row in counts.items()}
    return Metrics(
        protocol=_describe(indexes, model_version, fusion_weights, resampling),
        verification={
            name: measure_verification(rows[name], modalities[name], tried[name], fmrs, resampling)
            for name in counts
        },
        identification={
            name: measure_identification(rows[name], tried[name], ranks_shown, resampling) for name in counts
        },
        classification={
            str(name): measure_classification(table, resampling)
            for name, table in named.groupby("figure", sort=False)
        },
        failure_to_acquire=measure_acquisition(indexes, resampling),
    )


def _describe(
    indexes: Mapping[str, pd.DataFrame],
    model_version: str,
    fusion_weights: Mapping[str, float],
    resampling: Resampling,
) -> Protocol:
    kind = protocol_kind(indexes.values())
    probes = {modality: select_probes(index) for modality, index in indexes.items()}
    references = [select_references(index, kind) for index in indexes.values()]
    return Protocol(
        kind=kind,
        model_version=model_version,
        subjects=len(set().union(*(rows["subject_id"] for rows in probes.values()))),
        reference_captures=sum(len(rows) for rows in references),
        probe_captures=sum(len(rows) for rows in probes.values()),
        modalities=list(indexes),
        synthetic_impressions=[m for m, rows in probes.items() if figure_name(m, rows) != m],
        fusion_weights={m: float(fusion_weights[m]) for m in indexes},
        confidence=CONFIDENCE,
        resamples=resampling.resamples,
        seed=resampling.seed,
    )
