"""Operating points: the fitted fusion, and the thresholds that a search decides with."""

import logging
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from selfsame.errors import InputError
from selfsame.evaluation.measurement import Resampling
from selfsame.evaluation.operating_points import OperatingPoint, OperatingPoints
from selfsame.matching.experiment import Experiment
from selfsame.matching.folds import Evidence
from selfsame.matching.identification.search import subset_key
from selfsame.matching.score_fusion.fitting import fit_fusion
from selfsame.matching.score_fusion.rules import FittedFusion
from selfsame.matching.score_fusion.settings import Fusing, Rule
from selfsame.metrics.comparisons import Comparisons
from selfsame.metrics.intervals import rate_interval
from selfsame.metrics.verification import (
    centre_threshold,
    lowest_threshold,
    match_rates,
    read_fnmr,
    resample_curves,
)
from selfsame.protocols.names import Kind

REMEDY = 0.01
"""A false match rate that 300 pairs of subjects can show, which 25 people make."""

logger = logging.getLogger(__name__)


def choose_operating_points(
    evidence: Evidence,
    protocol: Kind,
    fusing: Fusing,
    rule: Rule,
    fmr: float,
    resampling: Resampling,
) -> OperatingPoints:
    """Fit the fusion on all subjects, and choose a threshold for every set of modalities.

    Args:
        evidence: captures, their roles and the scores of their pairs.
        protocol: under which thresholds are chosen.
        fusing: the comparator of each modality and the settings of the fit.
        rule: the fusion rule that inference uses.
        fmr: the stated false match rate.
        resampling: how the intervals are drawn.

    Returns:
        The fitted fusion and, for each set, its operating point; a set never presented has none.

    Raises:
        InputError: a chosen comparator made no scores where others did, or no modality has mated and
            non-mated ones.
    """
    fusing.require_chosen(evidence.indexes)
    experiments = list(evidence.experiments(protocol))
    fullest = experiments[-1]
    usable = _list_usable(fullest, fusing.chosen)
    versions = {m: evidence.version_of(m, fusing.chosen[m], protocol) for m in usable}
    scores, mated = _stack(fullest, usable, fusing.chosen), fullest.trials["mated"].to_numpy()
    fitted = fit_fusion(rule, scores, mated, None, fusing.settings)
    points = {
        subset_key(one.figure.modalities): _choose_point(one, usable, fusing.chosen, fitted, fmr, resampling)
        for one in experiments
        if set(one.figure.modalities) <= set(usable)
    }
    known = {name: point for name, point in points.items() if point is not None}
    _warn_of_unsupported(known, fmr)
    return OperatingPoints(
        protocol=protocol,
        modalities=usable,
        chosen={modality: fusing.chosen[modality] for modality in usable},
        versions=versions,
        fitted=dict(fitted.to_document()),
        points=known,
    )


def _choose_point(
    experiment: Experiment,
    columns: Sequence[str],
    chosen: Mapping[str, str],
    fitted: FittedFusion,
    fmr: float,
    resampling: Resampling,
) -> OperatingPoint | None:
    """Choose a threshold that accepts at most `fmr` of the non-mated (presentation, subject) pairs.

    It is the lowest such threshold, raised to the middle of the gap below the next mated score
    (`centre_threshold`). A subject's score is the maximum over its records, which is how a search decides.
    Comparisons that lack one of the modalities are left out: the smaller set has a threshold of its own.

    Returns:
        The operating point, or None where these modalities gave no mated or no non-mated score together.
    """
    comparisons = _best_per_subject(experiment, columns, chosen, fitted)
    if comparisons is None:
        return None
    multiplicities = resampling.multiplicities(len(comparisons.subjects))
    (resampled,) = resample_curves(comparisons, multiplicities, read_fnmr(fmr))
    lowest = lowest_threshold(fmr, comparisons.scores[~comparisons.mated])
    threshold = centre_threshold(lowest, comparisons.scores[comparisons.mated])
    observed, fnmr = match_rates(comparisons, threshold)
    modalities = list(experiment.figure.modalities)
    return OperatingPoint(
        modalities=modalities,
        synthetic_impressions=[m for m in modalities if experiment.synthetic[m]],
        stated_fmr=fmr,
        threshold=threshold,
        fmr=observed,
        fmr_supported=comparisons.supports_fmr(fmr),
        fnmr=fnmr,
        fnmr_interval=rate_interval(fnmr, resampled, comparisons.mated_subjects),
        mated=int(comparisons.mated.sum()),
        non_mated=int((~comparisons.mated).sum()),
    )


def _best_per_subject(
    experiment: Experiment, columns: Sequence[str], chosen: Mapping[str, str], fitted: FittedFusion
) -> Comparisons | None:
    """Fuse the complete comparisons, and keep the best of each probe with each subject."""
    members = _stack(experiment, columns, chosen)
    shown = [columns.index(modality) for modality in experiment.figure.modalities]
    complete = ~np.isnan(members[:, shown]).any(axis=1)
    fused = fitted.apply(members[complete])
    key = ["fold", "probe", "probe_subject", "reference_subject"]
    best = experiment.trials[complete][key].assign(score=fused).groupby(key, as_index=False).max()
    owners, others = best["probe_subject"].to_numpy(dtype=str), best["reference_subject"].to_numpy(dtype=str)
    if len(np.unique(owners == others)) < 2:
        return None
    return Comparisons(best["score"].to_numpy(dtype=np.float64), owners, others)


def _stack(experiment: Experiment, columns: Sequence[str], chosen: Mapping[str, str]) -> NDArray[np.float64]:
    """Stack the chosen scores in the order of the columns: (n, columns), NaN for modalities not shown."""
    nothing = np.full(len(experiment.trials), np.nan)
    return np.stack(
        [np.asarray(experiment.scores.get((m, chosen[m]), nothing), dtype=np.float64) for m in columns],
        axis=1,
    )


def _list_usable(experiment: Experiment, chosen: Mapping[str, str]) -> list[str]:
    """List the modalities whose chosen comparators gave mated and non-mated scores."""
    usable = []
    for modality in experiment.figure.modalities:
        made = [comparator for name, comparator in experiment.scores if name == modality]
        if made and chosen[modality] not in made:
            raise InputError(
                f"expected scores of {modality} by {chosen[modality]} under {experiment.protocol}, got those "
                f"by {', '.join(made)}: choose one of these in evaluation.fusion.chosen, or make the others"
            )
        if not made:
            continue
        given = ~np.isnan(experiment.scores[modality, chosen[modality]])
        if experiment.trials.loc[given, "mated"].nunique() == 2:
            usable.append(modality)
    if not usable:
        raise InputError(
            f"expected mated and non-mated scores of at least one modality under {experiment.protocol}, got "
            "none: thresholds need at least two subjects with references and probes"
        )
    return usable


def _warn_of_unsupported(points: Mapping[str, OperatingPoint], fmr: float) -> None:
    unsupported = sum(not point.fmr_supported for point in points.values())
    if unsupported:
        logger.warning(
            "too few pairs of subjects to show an FMR of %g: it is not supported for %d of %d thresholds; "
            "set evaluation.operating_fmr to %g or more, or bring more people (docs/metrics.md)",
            fmr,
            unsupported,
            len(points),
            max(REMEDY, 10 * fmr),
        )
