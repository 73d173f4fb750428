"""All results of an evaluation in one document."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from selfsame.errors import InputError
from selfsame.evaluation.details import (
    Closer,
    list_qualities,
    list_worst,
    measure_discards,
    measure_groups,
)
from selfsame.evaluation.measurement import (
    Resampling,
    count_attempts,
    measure_acquisition,
    measure_classification,
    measure_enrolment,
    measure_verification,
    why_left_out,
)
from selfsame.evaluation.results import (
    Calibration,
    LeftOut,
    Metrics,
    Outcome,
    Protocol,
    Setting,
    SubsetVerdict,
)
from selfsame.evaluation.searching import measure_identification, measure_open_set
from selfsame.matching.figures import holds_synthetic
from selfsame.matching.protocol import select_probes, select_references
from selfsame.matching.trial import indexes_by_modality
from selfsame.metrics.calibration import cllr, min_cllr
from selfsame.metrics.intervals import CONFIDENCE
from selfsame.parallel.progress import follow
from selfsame.protocols.assignment import list_folds, view_fold
from selfsame.protocols.names import PROTOCOLS, Kind

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asked:
    """What is to be measured.

    Attributes:
        fmrs: false match rates at which FNMR is stated.
        fpirs: false positive identification rates at which FNIR is stated.
        ranks_shown: length of the cumulative match characteristic.
        resampling: how the intervals are drawn.
        chosen: of each modality the comparator that the rules fuse.
        fusion: the rule that inference uses.
        closer: what is looked at more closely.
    """

    fmrs: Sequence[float]
    fpirs: Sequence[float]
    ranks_shown: int
    resampling: Resampling
    chosen: Mapping[str, str]
    fusion: str
    closer: Closer


@dataclass(frozen=True)
class Tables:
    """What the comparison made: scores, attempts, verdicts on fusions, names given by the classifier."""

    scores: pd.DataFrame
    attempts: pd.DataFrame
    verdicts: pd.DataFrame
    named: pd.DataFrame


def measure_all(
    tables: Tables,
    manifest: pd.DataFrame,
    assignments: pd.DataFrame,
    indexes: Sequence[pd.DataFrame],
    model: Mapping[str, object],
    asked: Asked,
) -> Metrics:
    """Measure every figure under every protocol, by every comparator and rule.

    Args:
        tables: what the comparison made.
        manifest: the captures.
        assignments: their roles and splits under every protocol and fold.
        indexes: of each modality, failed captures included.
        model: version and fusion weights of the trained network; null and none where there is none.
        asked: what is to be measured.

    Raises:
        InputError: no figure has scores to measure.
    """
    logger.info("measuring error rates with %d resamples of the subjects", asked.resampling.resamples)
    by_modality = indexes_by_modality(indexes)
    outcomes, left_out = _measure_outcomes(tables, asked)
    close = [one for one in outcomes if one.protocol == _closest(outcomes, asked.closer)]
    chosen = [one for one in close if one.comparator == _name_chosen(one.modalities, asked)]
    single = [one for one in chosen if len(one.modalities) == 1]
    qualities = list_qualities(manifest, list(by_modality.values()))
    return Metrics(
        setting=_describe_setting(by_modality, tables.attempts, model, asked),
        protocols={
            kind: _describe_protocol(by_modality, assignments, kind)
            for kind in PROTOCOLS
            if any(one.protocol == kind for one in outcomes)
        },
        outcomes=outcomes,
        left_out=left_out,
        subsets=list(_read_verdicts(tables.verdicts)),
        discards=measure_discards(single, tables.scores, qualities, asked.closer),
        differentials=measure_groups(chosen, tables.scores, manifest, asked.closer, asked.resampling),
        worst=list(list_worst(chosen, tables.scores, asked.closer)),
        classification={
            str(name): measure_classification(table, asked.resampling)
            for name, table in tables.named.groupby("figure", sort=False)
            if table["named"].notna().any()
        },
        failure_to_acquire=measure_acquisition(by_modality, asked.resampling),
        failure_to_enrol=measure_enrolment(by_modality, assignments, asked.resampling),
    )


def _measure_outcomes(tables: Tables, asked: Asked) -> tuple[list[Outcome], list[LeftOut]]:
    """Measure whatever has error rates, and say why the rest has none."""
    key = ["protocol", "figure", "comparator"]
    given = dict(list(tables.scores.groupby(key, sort=False)))
    tried = dict(list(tables.attempts.groupby(key, sort=False)))
    nothing = tables.scores.iloc[:0]
    reasons = {name: _find_reason(given.get(name, nothing), rows) for name, rows in tried.items()}
    measured = [name for name, reason in reasons.items() if reason is None]
    outcomes = [
        _measure(given[name], tried[name], asked)
        for name in follow(measured, "measuring", len(measured), "figure")
    ]
    left_out = [_leave_out(tried[name], reason) for name, reason in reasons.items() if reason]
    if not outcomes:
        why = "; ".join(f"{one.protocol} {one.figure}: {one.reason}" for one in left_out)
        raise InputError(f"expected at least one figure with error rates, got none: {why}")
    return outcomes, left_out


def _measure(rows: pd.DataFrame, attempts: pd.DataFrame, asked: Asked) -> Outcome:
    protocol, figure, comparator = (str(rows[name].iloc[0]) for name in ("protocol", "figure", "comparator"))
    searched = protocol != "subject_disjoint"
    return Outcome.model_validate(
        {
            "protocol": protocol,
            "figure": figure,
            "modalities": str(attempts["modalities"].iloc[0]).split("+"),
            "comparator": comparator,
            "verification": measure_verification(rows, attempts, asked.fmrs, asked.resampling),
            "identification": measure_identification(rows, attempts, asked.ranks_shown, asked.resampling)
            if searched
            else None,
            "open_set": measure_open_set(rows, asked.fpirs, asked.resampling)
            if protocol == "open_set"
            else None,
            "calibration": _measure_calibration(rows),
        }
    )


def _measure_calibration(rows: pd.DataFrame) -> Calibration | None:
    llrs, mated = rows["llr"].to_numpy(dtype="float64"), rows["mated"].to_numpy()
    if np.isnan(llrs).any():
        return None
    return Calibration(cllr=cllr(llrs, mated), min_cllr=min_cllr(llrs, mated))


def _find_reason(rows: pd.DataFrame, attempts: pd.DataFrame) -> str | None:
    """Say why there are no error rates: no scores could be made, or too few subjects have some."""
    refused = attempts["refused"].iloc[0]
    return why_left_out(rows) if pd.isna(refused) else str(refused)


def _leave_out(attempts: pd.DataFrame, reason: str | None) -> LeftOut:
    place = {name: str(attempts[name].iloc[0]) for name in ("protocol", "figure", "comparator")}
    return LeftOut.model_validate({**place, "reason": reason, **count_attempts(attempts)})


def _closest(outcomes: Sequence[Outcome], closer: Closer) -> Kind:
    kinds = [one.protocol for one in outcomes]
    return closer.protocol if closer.protocol in kinds else kinds[0]


def _name_chosen(modalities: Sequence[str], asked: Asked) -> str:
    return asked.chosen[modalities[0]] if len(modalities) == 1 else asked.fusion


def _describe_setting(
    indexes: Mapping[str, pd.DataFrame],
    attempts: pd.DataFrame,
    model: Mapping[str, object],
    asked: Asked,
) -> Setting:
    comparators = {m: attempts[attempts["modalities"] == m]["comparator"].unique().tolist() for m in indexes}
    return Setting.model_validate(
        {
            "modalities": list(indexes),
            "synthetic_impressions": [m for m, index in indexes.items() if holds_synthetic(index)],
            "comparators": comparators,
            "chosen": {m: asked.chosen[m] for m in indexes},
            "fusion": asked.fusion,
            "model_version": model["model_version"],
            "fusion_weights": model["fusion_weights"],
            "confidence": CONFIDENCE,
            "resamples": asked.resampling.resamples,
            "seed": asked.resampling.seed,
        }
    )


def _describe_protocol(
    indexes: Mapping[str, pd.DataFrame], assignments: pd.DataFrame, kind: Kind
) -> Protocol:
    folds = list_folds(assignments, kind)
    views = [view_fold(index, assignments, kind, fold) for fold in folds for index in indexes.values()]
    probes, references = [select_probes(view) for view in views], [select_references(v, kind) for v in views]
    presented = set().union(*(rows["subject_id"] for rows in probes))
    enrolled = set().union(*(rows["subject_id"] for rows in references))
    return Protocol(
        folds=len(folds),
        subjects=len(presented),
        unenrolled_subjects=len(presented - enrolled),
        reference_captures=sum(map(len, references)),
        probe_captures=sum(map(len, probes)),
    )


def _read_verdicts(verdicts: pd.DataFrame) -> Iterator[SubsetVerdict]:
    for row in verdicts.to_dict("records"):
        interval = row.pop("difference_low"), row.pop("difference_high")
        row["modalities"] = list(row["modalities"])
        yield SubsetVerdict.model_validate({**row, "difference_interval": interval})
