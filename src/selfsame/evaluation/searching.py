"""Results of searches: rank-k rates of those enrolled, and errors where some of the searched are not."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfsame.evaluation.measurement import Resampling, mean_with_interval
from selfsame.evaluation.results import FnirAtFpir, Identification, OpenSet
from selfsame.metrics.identification import cumulative_match, mated_ranks
from selfsame.metrics.intervals import RULE_OF_THREE
from selfsame.metrics.open_set import (
    NOT_ENROLLED,
    Searches,
    fnir_interval_at,
    search_curve,
    search_rates_at,
)

CURVE_POINTS = 200
"""Points of the open-set curve that are kept for drawing."""


@dataclass(frozen=True)
class Ranking:
    """The best score of each probe with each enrolled subject.

    Attributes:
        scores: (probes, enrolled) NaN where there was nothing to compare.
        own: (probes,) column of the probe's own subject, NOT_ENROLLED where that one has no reference.
        owners: (probes,) whose capture was searched with.
    """

    scores: NDArray[np.float64]
    own: NDArray[np.int64]
    owners: NDArray[np.str_]


def rank_searches(rows: pd.DataFrame) -> Ranking:
    """Arrange one figure's rows of the table of scores by probe and enrolled subject."""
    probes, probe = np.unique(rows["probe"].to_numpy(dtype=str), return_inverse=True)
    enrolled, column = np.unique(rows["reference_subject"].to_numpy(dtype=str), return_inverse=True)
    scores = np.full((len(probes), len(enrolled)), -np.inf)
    np.maximum.at(scores, (probe, column), rows["score"].to_numpy(dtype=np.float64))
    owners = np.empty(len(probes), dtype=object)
    owners[probe] = rows["probe_subject"].to_numpy(dtype=str)
    owners = owners.astype(str)
    places = np.minimum(np.searchsorted(enrolled, owners), len(enrolled) - 1)
    own = np.where(enrolled[places] == owners, places, NOT_ENROLLED)
    return Ranking(np.where(np.isinf(scores), np.nan, scores), own, owners)


def measure_identification(
    rows: pd.DataFrame, attempts: pd.DataFrame, ranks_shown: int, resampling: Resampling
) -> Identification:
    """Measure one figure's rank-k rates: each probe of somebody enrolled against every subject's best record.

    Args:
        rows: the figure's rows of the table of scores, for which `why_left_out` gives None.
        attempts: its rows of the table of attempts.
        ranks_shown: length of the cumulative match characteristic.
        resampling: how the intervals are drawn.
    """
    ranking = rank_searches(rows)
    places = np.maximum(ranking.own, 0)[:, None]
    known = ~np.isnan(np.take_along_axis(ranking.scores, places, axis=1)[:, 0])
    searched = (ranking.own != NOT_ENROLLED) & known
    ranks, owners = mated_ranks(ranking.scores[searched], ranking.own[searched]), ranking.owners[searched]
    failed = np.repeat(attempts["subject_id"].to_numpy(dtype=str), attempts["probes_failed"])
    owners_of_all = np.concatenate([owners, failed])
    named_first = np.concatenate([ranks == 1, np.zeros(len(failed), dtype=bool)])
    rank_1, rank_1_interval = mean_with_interval(ranks == 1, owners, resampling)
    rank_5, rank_5_interval = mean_with_interval(ranks <= 5, owners, resampling)
    with_failures, with_failures_interval = mean_with_interval(named_first, owners_of_all, resampling)
    enrolled = ranking.scores.shape[1]
    return Identification(
        rank_1=rank_1,
        rank_1_interval=rank_1_interval,
        rank_1_with_failures=with_failures,
        rank_1_with_failures_interval=with_failures_interval,
        rank_5=rank_5,
        rank_5_interval=rank_5_interval,
        probes=len(ranks),
        probes_attempted=int(attempts["probes_attempted"].sum()),
        probes_failed=len(failed),
        enrolled=enrolled,
        subjects=len(np.unique(owners)),
        cmc=cumulative_match(ranks, min(ranks_shown, enrolled)),
    )


def measure_open_set(rows: pd.DataFrame, fpirs: Sequence[float], resampling: Resampling) -> OpenSet | None:
    """Measure one figure's searches of a gallery that some of the searched are not in.

    Args:
        rows: the figure's rows of the table of scores.
        fpirs: false positive identification rates at which the false negative one is stated.
        resampling: how the intervals are drawn.

    Returns:
        The rates, or None where there are no searches of both kinds.
    """
    ranking = rank_searches(rows)
    strangers = ranking.own == NOT_ENROLLED
    if strangers.all() or not strangers.any():
        return None
    searches = Searches(ranking.scores, ranking.own, ranking.owners)
    _, curve = search_curve(searches, rank=1)
    kept = np.unique(np.linspace(0, len(curve.fmr) - 1, CURVE_POINTS).round().astype(int))
    return OpenSet(
        fnir_at_fpir={str(fpir): _measure_point(searches, fpir, resampling) for fpir in fpirs},
        curve=[(float(curve.fmr[i]), float(curve.fnmr[i])) for i in kept],
        mated_searches=int((~strangers).sum()),
        non_mated_searches=int(strangers.sum()),
        enrolled=ranking.scores.shape[1],
        unenrolled=len(np.unique(ranking.owners[strangers])),
    )


def _measure_point(searches: Searches, fpir: float, resampling: Resampling) -> FnirAtFpir:
    everyone = np.unique(searches.subjects)
    rates = search_rates_at(searches, fpir=fpir, rank=1)
    drawn = resampling.multiplicities(len(everyone))
    fnir, interval = fnir_interval_at(searches, fpir=fpir, rank=1, multiplicities=drawn)
    strangers = len(np.unique(searches.subjects[~searches.enrolled]))
    return FnirAtFpir(
        fnir=fnir,
        interval=interval,
        threshold=rates.threshold,
        fpir=rates.fpir,
        fpir_supported=strangers * fpir >= RULE_OF_THREE,
    )
