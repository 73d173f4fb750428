"""All results of an evaluation in one document."""

from collections.abc import Mapping, Sequence

import pandas as pd

from selfsame.errors import InputError
from selfsame.matching.comparison import COUNTS
from selfsame.matching.figures import figure_name, holds_synthetic
from selfsame.matching.protocol import protocol_kind, select_probes, select_references
from selfsame.metrics.intervals import CONFIDENCE
from selfsame.reporting.measurement import (
    Resampling,
    measure_acquisition,
    measure_classification,
    measure_identification,
    measure_verification,
    why_left_out,
)
from selfsame.reporting.results import LeftOut, Metrics, Protocol


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
        attempts: from `tabulate_attempts`; the order of its figures is theirs in the results.
        named: from `name_presentations`.
        indexes: the index of each modality, failed captures included.
        model_version: which model made the embeddings.
        fusion_weights: the weight of each modality.
        fmrs: false match rates at which FNMR is stated.
        ranks_shown: length of the cumulative match characteristic.
        resampling: how the intervals are drawn.

    Raises:
        InputError: no figure has scores to measure.
    """
    rows = {str(name): attempts[attempts["figure"] == name] for name in attempts["figure"].unique()}
    tables = {name: scores[scores["figure"] == name] for name in rows}
    left_out = _list_left_out(tables, rows) | _list_untested(indexes, attempts)
    kept = [name for name in rows if name not in left_out]
    if not kept:
        reasons = "; ".join(f"{name}: {figure.reason}" for name, figure in left_out.items())
        raise InputError(f"expected at least one figure with error rates, got none: {reasons}")
    return Metrics(
        protocol=_describe(indexes, model_version, fusion_weights, resampling),
        verification={n: measure_verification(tables[n], rows[n], fmrs, resampling) for n in kept},
        identification={
            name: measure_identification(tables[name], rows[name], ranks_shown, resampling) for name in kept
        },
        left_out=left_out,
        classification={
            str(name): measure_classification(table, resampling)
            for name, table in named.groupby("figure", sort=False)
            if table["named"].notna().any()
        },
        failure_to_acquire=measure_acquisition(indexes, resampling),
    )


def _list_left_out(
    tables: Mapping[str, pd.DataFrame], rows: Mapping[str, pd.DataFrame]
) -> dict[str, LeftOut]:
    """List the figures whose scores give no error rates."""
    reasons = {name: why_left_out(table) for name, table in tables.items()}
    return {name: _leave_out(reason, rows[name]) for name, reason in reasons.items() if reason}


def _leave_out(reason: str, attempts: pd.DataFrame) -> LeftOut:
    return LeftOut(reason=reason, **{name: int(attempts[name].sum()) for name in COUNTS})


def _list_untested(indexes: Mapping[str, pd.DataFrame], attempts: pd.DataFrame) -> dict[str, LeftOut]:
    """List the modalities that have captures, but no probes or no references: no figure shows them."""
    tested = {modality for names in attempts["modalities"].unique() for modality in names.split("+")}
    kind = protocol_kind(indexes.values())
    untested: dict[str, LeftOut] = {}
    for modality in indexes:
        probes, references = select_probes(indexes[modality]), select_references(indexes[modality], kind)
        if modality not in tested:
            reason = f"the test has {len(references)} reference and {len(probes)} probe captures of it"
            untested[figure_name(modality, probes)] = _leave_out(reason, attempts.iloc[:0])
    return untested


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
        synthetic_impressions=[m for m, rows in probes.items() if holds_synthetic(rows)],
        fusion_weights={m: float(fusion_weights[m]) for m in indexes},
        confidence=CONFIDENCE,
        resamples=resampling.resamples,
        seed=resampling.seed,
    )
