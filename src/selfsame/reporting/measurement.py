"""Results from the table of scores: what is measured, in which order, on which subjects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfsame.matching.figures import figure_name
from selfsame.metrics.classification import classification_rates, count_confusions
from selfsame.metrics.comparisons import Comparisons
from selfsame.metrics.identification import cumulative_match, mated_ranks, rank_rate
from selfsame.metrics.intervals import RULE_OF_THREE, draw_multiplicities, rate_interval, resample_rate
from selfsame.metrics.verification import error_curve, match_rates, resample_curves, threshold_at
from selfsame.reporting.results import (
    Classification,
    FailureToAcquire,
    FnmrAtFmr,
    Identification,
    Verification,
)


@dataclass(frozen=True)
class Resampling:
    """How the intervals are drawn: the number of resamples of the subjects, and the seed."""

    resamples: int
    seed: int

    def multiplicities(self, subjects: int) -> NDArray[np.float64]:
        """Draw the same resamples for every figure of the same number of subjects."""
        return draw_multiplicities(subjects, self.resamples, np.random.default_rng(self.seed))


def comparisons_of(rows: pd.DataFrame) -> Comparisons:
    """Take the scores of one figure from the table of scores."""
    return Comparisons(
        rows["score"].to_numpy(dtype=np.float64),
        rows["probe_subject"].to_numpy(dtype=str),
        rows["reference_subject"].to_numpy(dtype=str),
    )


def measure_verification(
    rows: pd.DataFrame,
    modalities: Sequence[str],
    attempts: Mapping[str, int],
    fmrs: Sequence[float],
    resampling: Resampling,
) -> Verification:
    """Measure one figure's error rates from its rows of the table of scores."""
    comparisons = comparisons_of(rows)
    curve = error_curve(comparisons)
    subjects = comparisons.mated_subjects
    multiplicities = resampling.multiplicities(len(comparisons.subjects))
    eers, fnmrs = resample_curves(comparisons, multiplicities, tuple(fmrs))
    eer = float(curve.equal_error_rate())
    failed = attempts["mated_failed"]
    points = {str(fmr): measure_point(comparisons, fmr, fnmrs[fmr], failed) for fmr in fmrs}
    return Verification(
        modalities=list(modalities),
        eer=eer,
        eer_interval=rate_interval(eer, eers, subjects),
        fnmr_at_fmr=points,
        mated=int(comparisons.mated.sum()),
        non_mated=int((~comparisons.mated).sum()),
        subjects=subjects,
        non_mated_subject_pairs=comparisons.non_mated_pairs,
        mated_attempted=attempts["mated_attempted"],
        mated_failed=failed,
    )


def measure_point(
    comparisons: Comparisons, fmr: float, resampled: NDArray[np.float64], failed: int
) -> FnmrAtFmr:
    """Measure FNMR at the threshold that holds an FMR.

    Args:
        comparisons: what gave a score.
        fmr: the false match rate to hold.
        resampled: (resamples,) the FNMR at that rate in every resample of the subjects.
        failed: mated comparisons that a failure to acquire prevented.
    """
    threshold = threshold_at(fmr, comparisons.scores[~comparisons.mated])
    observed, fnmr = match_rates(comparisons, threshold)
    mated = int(comparisons.mated.sum())
    return FnmrAtFmr(
        fnmr=fnmr,
        interval=rate_interval(fnmr, resampled, comparisons.mated_subjects),
        threshold=threshold,
        fmr=observed,
        fmr_supported=comparisons.non_mated_pairs * fmr >= RULE_OF_THREE,
        fnmr_with_failures=(fnmr * mated + failed) / (mated + failed),
    )


def measure_identification(
    rows: pd.DataFrame, attempts: Mapping[str, int], ranks_shown: int, resampling: Resampling
) -> Identification:
    """Measure one figure's rank-k rates: each probe against every subject's best record."""
    best = rows.pivot_table(
        index=["probe_subject", "probe"], columns="reference_subject", values="score", aggfunc="max"
    )
    enrolled = best.columns.to_numpy(dtype=str)
    owners = best.index.get_level_values("probe_subject").to_numpy(dtype=str)
    scores = best.to_numpy(dtype=np.float64)
    own = np.minimum(np.searchsorted(enrolled, owners), len(enrolled) - 1)
    searched = (enrolled[own] == owners) & ~np.isnan(np.take_along_axis(scores, own[:, None], axis=1)[:, 0])
    ranks = mated_ranks(scores[searched], own[searched])
    subjects, codes = np.unique(owners[searched], return_inverse=True)
    multiplicities = resampling.multiplicities(len(subjects))
    rates = {rank: rank_rate(ranks, rank) for rank in (1, 5)}
    resampled = {
        rank: resample_rate((ranks <= rank).astype(np.float64), codes, multiplicities) for rank in rates
    }
    return Identification(
        rank_1=rates[1],
        rank_1_interval=rate_interval(rates[1], resampled[1], len(subjects)),
        rank_1_with_failures=rates[1] * len(ranks) / (len(ranks) + attempts["probes_failed"]),
        rank_5=rates[5],
        rank_5_interval=rate_interval(rates[5], resampled[5], len(subjects)),
        probes=len(ranks),
        probes_attempted=attempts["probes_attempted"],
        probes_failed=attempts["probes_failed"],
        enrolled=len(enrolled),
        subjects=len(subjects),
        cmc=cumulative_match(ranks, min(ranks_shown, len(enrolled))),
    )


def measure_classification(rows: pd.DataFrame, resampling: Resampling) -> Classification:
    """Measure how often the classifier named the subject who was presented.

    Args:
        rows: one row a presentation, columns subject_id and named.
        resampling: how the interval is drawn.
    """
    truth, named = rows["subject_id"].to_numpy(dtype=str), rows["named"].to_numpy(dtype=str)
    rates = classification_rates(truth, named)
    subjects, codes = np.unique(truth, return_inverse=True)
    hits = (truth == named).astype(np.float64)
    resampled = resample_rate(hits, codes, resampling.multiplicities(len(subjects)))
    labels, counts = count_confusions(truth, named)
    return Classification(
        accuracy=rates.accuracy,
        accuracy_interval=rate_interval(rates.accuracy, resampled, len(subjects)),
        precision_macro=rates.precision,
        recall_macro=rates.recall,
        f1_macro=rates.f1,
        presentations=len(rows),
        subjects=len(subjects),
        confusions=[(labels[i], labels[j], int(counts[i, j])) for i, j in np.argwhere(counts).tolist()],
    )


def measure_acquisition(
    indexes: Mapping[str, pd.DataFrame], resampling: Resampling
) -> dict[str, FailureToAcquire]:
    """Count the captures of each modality that gave no template; synthetic impressions apart from them."""
    failures: dict[str, FailureToAcquire] = {}
    for modality, index in indexes.items():
        synthetic = index["impression"] > 0
        for rows in (index[~synthetic], index[synthetic]):
            if len(rows):
                failures[figure_name(modality, rows)] = _acquisition(rows, resampling)
    return failures


def _acquisition(rows: pd.DataFrame, resampling: Resampling) -> FailureToAcquire:
    failed = rows["status"] != "ok"
    subjects, codes = np.unique(rows["subject_id"].to_numpy(dtype=str), return_inverse=True)
    rate = float(failed.mean())
    resampled = resample_rate(
        np.asarray(failed, dtype=np.float64), codes, resampling.multiplicities(len(subjects))
    )
    reasons = rows.loc[failed, "reason"].value_counts().sort_index()
    return FailureToAcquire(
        attempted=len(rows),
        failed=int(failed.sum()),
        rate=rate,
        interval=rate_interval(rate, resampled, len(subjects)),
        reasons={str(reason): int(count) for reason, count in reasons.items()},
    )
