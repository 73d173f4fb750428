"""Operating points: the thresholds that a search decides with."""

import logging
from collections.abc import Mapping, Sequence

import numpy as np

from selfsame.matching.comparison import Compared, compare
from selfsame.matching.figures import Figure, subsets
from selfsame.matching.search import best_per_subject, subset_key
from selfsame.matching.trial import Trial
from selfsame.metrics.comparisons import Comparisons
from selfsame.metrics.intervals import rate_interval
from selfsame.metrics.verification import centre_threshold, match_rates, resample_curves, threshold_at
from selfsame.reporting.measurement import Resampling
from selfsame.reporting.results import OperatingPoint

logger = logging.getLogger(__name__)


def choose_operating_points(
    trial: Trial, weights: Mapping[str, float], fmr: float, resampling: Resampling, *, model_version: str
) -> dict[str, OperatingPoint]:
    """Choose a threshold for every set of modalities that a presentation may show.

    Args:
        trial: probes and references.
        weights: the fusion weight of each modality.
        fmr: the stated false match rate.
        resampling: how the intervals are drawn.
        model_version: which model made the embeddings.

    Returns:
        For each set, named as `subset_key` does, its operating point; a set never presented has none.
    """
    points: dict[str, OperatingPoint] = {}
    for modalities in subsets(trial.modalities):
        figure = Figure(subset_key(modalities), modalities)
        compared = compare(figure, trial.probes, trial.references, weights)
        point = choose_operating_point(
            compared,
            modalities,
            fmr,
            resampling,
            model_version=model_version,
            synthetic_impressions=trial.synthetic_impressions,
        )
        if point is not None:
            points[figure.name] = point
    unsupported = sum(not point.fmr_supported for point in points.values())
    if unsupported:
        logger.warning(
            "too few pairs of subjects to show an FMR of %g: it is not supported for %d of %d thresholds",
            fmr,
            unsupported,
            len(points),
        )
    return points


def choose_operating_point(
    compared: Compared,
    modalities: Sequence[str],
    fmr: float,
    resampling: Resampling,
    *,
    model_version: str,
    synthetic_impressions: Sequence[str],
) -> OperatingPoint | None:
    """Choose a threshold that accepts at most `fmr` of the non-mated (presentation, subject) pairs.

    It is the lowest such threshold, raised to the middle of the gap below the next mated score
    (`centre_threshold`).

    A subject's score is the maximum over its records, which is how a search decides. Comparisons that lack
    one of the modalities are left out: the smaller set has a threshold of its own.

    Returns:
        The operating point, or None where these modalities gave no mated or no non-mated score together.
    """
    scores = np.where(compared.complete, compared.scores, np.float32(np.nan))
    subjects, best = best_per_subject(scores, compared.records.subjects)
    probe, column = np.nonzero(~np.isnan(best))
    owners = compared.presentations.subjects[probe]
    if len(np.unique(owners == subjects[column])) < 2:
        return None
    comparisons = Comparisons(best[probe, column].astype(np.float64), owners, subjects[column])
    multiplicities = resampling.multiplicities(len(comparisons.subjects))
    resampled = resample_curves(comparisons, multiplicities, (fmr,))[1][fmr]
    lowest = threshold_at(fmr, comparisons.scores[~comparisons.mated])
    threshold = centre_threshold(lowest, comparisons.scores[comparisons.mated])
    observed, fnmr = match_rates(comparisons, threshold)
    return OperatingPoint(
        model_version=model_version,
        modalities=list(modalities),
        synthetic_impressions=[modality for modality in modalities if modality in synthetic_impressions],
        stated_fmr=fmr,
        threshold=threshold,
        fmr=observed,
        fmr_supported=comparisons.supports_fmr(fmr),
        fnmr=fnmr,
        fnmr_interval=rate_interval(fnmr, resampled, comparisons.mated_subjects),
        mated=int(comparisons.mated.sum()),
        non_mated=int((~comparisons.mated).sum()),
    )
