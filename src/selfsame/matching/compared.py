"""All comparisons of an evaluation, as tables: trials, scores, attempts, and what fusing is worth."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from selfsame.errors import InputError
from selfsame.matching.comparators import COSINE
from selfsame.matching.experiment import SCORE_COLUMNS, TRIAL_COLUMNS, Experiment, count_attempts
from selfsame.matching.folds import Evidence
from selfsame.matching.score_fusion.best_member import compare_with_best_member
from selfsame.matching.score_fusion.fusing import NETWORK, Scored, score_experiment
from selfsame.matching.score_fusion.settings import Fusing
from selfsame.protocols.names import Kind

logger = logging.getLogger(__name__)

VERDICT_COLUMNS = [
    "protocol", "figure", "modalities", "rule", "eer", "best_member", "best_member_eer",
    "difference", "difference_low", "difference_high", "worse",
]  # fmt: skip


@dataclass(frozen=True)
class Compared:
    """All comparisons of an evaluation.

    Attributes:
        trials: who is compared with whom: TRIAL_COLUMNS.
        scores: what every comparator and rule made of it: SCORE_COLUMNS.
        attempts: what each was to compare and could not: ATTEMPT_COLUMNS.
        verdicts: each fusion beside the best of its members: VERDICT_COLUMNS.
    """

    trials: pd.DataFrame
    scores: pd.DataFrame
    attempts: pd.DataFrame
    verdicts: pd.DataFrame


def compare_all(evidence: Evidence, protocols: Sequence[Kind], fusing: Fusing, resamples: int) -> Compared:
    """Compare all figures of all protocols by every comparator and fusion rule.

    Args:
        evidence: captures, their roles and the scores of their pairs.
        protocols: which are evaluated.
        fusing: how scores are fused and calibrated.
        resamples: of the subjects, for the verdicts.

    Raises:
        InputError: a modality has no chosen comparator, or a fold of a protocol too few subjects.
    """
    fusing.require_chosen(evidence.indexes)
    trials, scores, attempts, verdicts = [], [], [], []
    for protocol in protocols:
        for experiment in evidence.experiments(protocol):
            scored = list(score_experiment(experiment, fusing))
            trials.append(experiment.trials[TRIAL_COLUMNS])
            scores.append(tabulate_scores(experiment, scored))
            attempts.append(tabulate_attempts(experiment, scored))
            if len(experiment.figure.modalities) > 1:
                fused = [one for one in scored if one.refused is None]
                verdicts += [judge(experiment, one, fusing, resamples) for one in fused]
    return Compared(
        pd.concat(trials, ignore_index=True),
        pd.concat(scores, ignore_index=True),
        pd.concat(attempts, ignore_index=True),
        pd.DataFrame([row for row in verdicts if row], columns=VERDICT_COLUMNS),
    )


def judge(experiment: Experiment, scored: Scored, fusing: Fusing, resamples: int) -> dict[str, object] | None:
    """Compare a fusion with each of its members on the same comparisons; None where that cannot be said."""
    chosen = (
        dict.fromkeys(experiment.figure.modalities, COSINE) if scored.comparator == NETWORK else fusing.chosen
    )
    members = {m: experiment.scores[m, chosen[m]].astype(np.float64) for m in experiment.figure.modalities}
    try:
        verdict = compare_with_best_member(
            scored.scores,
            members,
            experiment.trials["probe_subject"].to_numpy(dtype=str),
            experiment.trials["reference_subject"].to_numpy(dtype=str),
            resamples=resamples,
            rng=np.random.default_rng(fusing.seed),
        )
    except InputError as error:
        logger.debug("no verdict on %s of %s: %s", scored.comparator, experiment.figure.name, error)
        return None
    return {
        "protocol": experiment.protocol,
        "figure": experiment.figure.name,
        "modalities": list(experiment.figure.modalities),
        "rule": scored.comparator,
        "eer": verdict.fused_rate,
        "best_member": verdict.member,
        "best_member_eer": verdict.member_rate,
        "difference": verdict.difference,
        "difference_low": verdict.interval[0],
        "difference_high": verdict.interval[1],
        "worse": verdict.is_worse,
    }


def tabulate_scores(experiment: Experiment, scored: Sequence[Scored]) -> pd.DataFrame:
    """List the comparisons that gave a score, for every comparator and rule: SCORE_COLUMNS."""
    tables = []
    for one in scored:
        given = ~np.isnan(one.scores)
        tables.append(
            experiment.trials[given].assign(
                comparator=one.comparator,
                score=one.scores[given].astype(np.float32),
                llr=one.llrs[given].astype(np.float32),
            )
        )
    return pd.concat(tables, ignore_index=True)[SCORE_COLUMNS]


def tabulate_attempts(experiment: Experiment, scored: Sequence[Scored]) -> pd.DataFrame:
    """Count what every comparator and rule was to compare and what it could not."""
    return pd.concat(
        [
            count_attempts(experiment, one.comparator, ~np.isnan(one.scores)).assign(refused=one.refused)
            for one in scored
        ],
        ignore_index=True,
    ).astype({"refused": "str"})
