"""Results from the table of scores: what is measured, in which order, on which subjects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfsame.evaluation.results import (
    Classification,
    FailureToAcquire,
    FailureToEnrol,
    FnmrAtFmr,
    Verification,
)
from selfsame.matching.experiment import COUNTS
from selfsame.matching.figures import figure_name
from selfsame.matching.protocol import select_references
from selfsame.metrics.classification import classification_rates, count_confusions, macro_intervals
from selfsame.metrics.comparisons import Comparisons
from selfsame.metrics.failures import Prevented, count_prevented
from selfsame.metrics.intervals import draw_multiplicities, rate_interval, resample_rate
from selfsame.metrics.roc import area_interval, area_under_curve, equal_error_interval
from selfsame.metrics.verification import (
    ErrorCurve,
    error_curve,
    lowest_threshold,
    match_rates,
    read_fnmr,
    resample_curves,
)
from selfsame.protocols.assignment import view_fold


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


def why_left_out(rows: pd.DataFrame) -> str | None:
    """Say why a figure has no error rates, or None where it has: they need two subjects, mated and not."""
    subjects = rows.loc[rows["mated"], "probe_subject"].nunique()
    if subjects < 2:
        return f"error rates need mated scores of at least two subjects, there are those of {subjects}"
    if rows["mated"].all():
        return "error rates need non-mated scores, there are none"
    return None


def measure_verification(
    rows: pd.DataFrame, attempts: pd.DataFrame, fmrs: Sequence[float], resampling: Resampling
) -> Verification:
    """Measure one figure's error rates.

    Args:
        rows: its rows of the table of scores, for which `why_left_out` gives None.
        attempts: its rows of the table of attempts.
        fmrs: false match rates at which FNMR is stated.
        resampling: how the intervals are drawn.
    """
    comparisons = comparisons_of(rows)
    presented = attempts["subject_id"].to_numpy(dtype=str)
    everyone = np.union1d(comparisons.subjects, presented)
    drawn = resampling.multiplicities(len(everyone))
    held = drawn[np.searchsorted(everyone, comparisons.subjects)]
    reads = (ErrorCurve.equal_error_rate, ErrorCurve.area, *map(read_fnmr, fmrs))
    eers, areas, *fnmrs = resample_curves(comparisons, held, *reads)
    eer = float(error_curve(comparisons).equal_error_rate())
    prevented = count_prevented(
        attempts["mated_attempted"].to_numpy(dtype=np.float64),
        attempts["mated_failed"].to_numpy(dtype=np.float64),
        drawn[np.searchsorted(everyone, presented)],
    )
    auc = area_under_curve(comparisons)
    return Verification(
        eer=eer,
        eer_interval=equal_error_interval(comparisons, eers),
        auc=auc,
        auc_interval=area_interval(comparisons, areas),
        fnmr_at_fmr={
            str(fmr): measure_point(comparisons, fmr, resampled, prevented)
            for fmr, resampled in zip(fmrs, fnmrs, strict=True)
        },
        smallest_fmr=comparisons.smallest_fmr,
        mated=int(comparisons.mated.sum()),
        non_mated=int((~comparisons.mated).sum()),
        subjects=comparisons.mated_subjects,
        non_mated_subject_pairs=comparisons.non_mated_pairs,
        mated_attempted=int(attempts["mated_attempted"].sum()),
        mated_failed=int(attempts["mated_failed"].sum()),
    )


def measure_point(
    comparisons: Comparisons, fmr: float, resampled: NDArray[np.float64], prevented: Prevented
) -> FnmrAtFmr:
    """Measure FNMR at the threshold that holds an FMR.

    Args:
        comparisons: what gave a score.
        fmr: the false match rate to hold.
        resampled: (resamples,) the FNMR at that rate in every resample of the subjects.
        prevented: the mated comparisons that gave no score.
    """
    threshold = lowest_threshold(fmr, comparisons.scores[~comparisons.mated])
    observed, fnmr = match_rates(comparisons, threshold)
    with_failures, with_failures_interval = prevented.count_as_errors(fnmr, resampled)
    return FnmrAtFmr(
        fnmr=fnmr,
        interval=rate_interval(fnmr, resampled, comparisons.mated_subjects),
        threshold=threshold,
        fmr=observed,
        fmr_supported=comparisons.supports_fmr(fmr),
        fnmr_with_failures=with_failures,
        fnmr_with_failures_interval=with_failures_interval,
    )


def mean_with_interval(
    hits: NDArray[np.bool_], owners: NDArray[np.str_], resampling: Resampling
) -> tuple[float, tuple[float, float]]:
    """Compute the share of hits among trials, and its interval over the subjects who own them."""
    subjects, codes = np.unique(owners, return_inverse=True)
    rate = float(hits.mean())
    resampled = resample_rate(hits.astype(np.float64), codes, resampling.multiplicities(len(subjects)))
    return rate, rate_interval(rate, resampled, len(subjects))


def measure_classification(rows: pd.DataFrame, resampling: Resampling) -> Classification:
    """Measure how often the classifier named the subject who was presented.

    Args:
        rows: one row a presentation, columns subject_id and named (null where nothing could be classified),
            of which at least one is not null.
        resampling: how the intervals are drawn.
    """
    shown = rows[rows["named"].notna()]
    truth, named = shown["subject_id"].to_numpy(dtype=str), shown["named"].to_numpy(dtype=str)
    rates = classification_rates(truth, named)
    subjects = len(np.unique(truth))
    intervals = macro_intervals(truth, named)
    labels, counts = count_confusions(truth, named)
    return Classification(
        accuracy=rates.accuracy,
        accuracy_interval=mean_with_interval(truth == named, truth, resampling)[1],
        precision_macro=rates.precision,
        precision_macro_interval=intervals.precision,
        recall_macro=rates.recall,
        recall_macro_interval=intervals.recall,
        f1_macro=rates.f1,
        f1_macro_interval=intervals.f1,
        presentations=len(shown),
        presentations_failed=len(rows) - len(shown),
        subjects=subjects,
        confusions=[(labels[i], labels[j], int(counts[i, j])) for i, j in np.argwhere(counts).tolist()],
    )


def count_attempts(attempts: pd.DataFrame) -> dict[str, int]:
    """Sum the counts of a table of attempts."""
    return {name: int(attempts[name].sum()) for name in COUNTS}


def measure_enrolment(
    indexes: Mapping[str, pd.DataFrame], assignments: pd.DataFrame, resampling: Resampling
) -> dict[str, FailureToEnrol]:
    """Count the subjects of the closed set none of whose reference captures gave a template."""
    failures = {}
    for modality, index in indexes.items():
        rows = select_references(view_fold(index, assignments, "closed_set", 0), "closed_set")
        if len(rows):
            enrolled = (rows["status"] == "ok").groupby(rows["subject_id"]).any()
            failed, owners = (~enrolled).to_numpy(), enrolled.index.to_numpy(dtype=str)
            rate, interval = mean_with_interval(failed, owners, resampling)
            failures[modality] = FailureToEnrol(
                attempted=len(rows["subject_id"].unique()),
                failed=int(failed.sum()),
                rate=rate,
                interval=interval,
            )
    return failures


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
    failed = (rows["status"] != "ok").to_numpy()
    rate, interval = mean_with_interval(failed, rows["subject_id"].to_numpy(dtype=str), resampling)
    reasons = rows.loc[failed, "reason"].value_counts().sort_index()
    return FailureToAcquire(
        attempted=len(rows),
        failed=int(failed.sum()),
        rate=rate,
        interval=interval,
        reasons={str(reason): int(count) for reason, count in reasons.items()},
    )
