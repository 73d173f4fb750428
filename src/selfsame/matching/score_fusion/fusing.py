"""The scores of an experiment: of each comparator, of each fusion rule, and as log-likelihood ratios."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfsame.errors import InputError
from selfsame.matching.comparators import COSINE
from selfsame.matching.experiment import Experiment
from selfsame.matching.score_fusion.cross_fitting import cross_fit
from selfsame.matching.score_fusion.settings import Fusing, Rule

logger = logging.getLogger(__name__)

NETWORK = "network"
"""The fusion of learnt embeddings by learnt weights: the mean of the cosines of what both sides have."""

CALIBRATION: Rule = "likelihood_ratio"
"""Of one score alone this rule is its logistic calibration."""


@dataclass(frozen=True)
class Scored:
    """What a comparator or a rule made of an experiment's n comparisons.

    Attributes:
        comparator: its name.
        scores: (n,) NaN where it gave none.
        llrs: (n,) cross-fitted log-likelihood ratios (natural logarithm); NaN where too few subjects are
            there to fit them.
        refused: why there are no scores; else None.
    """

    comparator: str
    scores: NDArray[np.float64]
    llrs: NDArray[np.float64]
    refused: str | None


def score_experiment(experiment: Experiment, fusing: Fusing) -> Iterator[Scored]:
    """Score a figure by each comparator (of one modality), or by the network and each rule (of several)."""
    modalities = experiment.figure.modalities
    lacking = [m for m in modalities if (m, fusing.chosen[m]) not in experiment.scores]
    if len(modalities) == 1:
        for comparator in experiment.comparators():
            alone = experiment.stack({modalities[0]: comparator})
            yield _calibrate(experiment, comparator, alone[:, 0], fusing)
        if lacking:
            yield _refuse(experiment, fusing.chosen[modalities[0]], lacking, fusing)
        return
    if COSINE in experiment.comparators():
        yield _calibrate(experiment, NETWORK, fuse_by_network(experiment), fusing)
    for rule in fusing.rules:
        if lacking:
            yield _refuse(experiment, rule, lacking, fusing)
            continue
        fused, refused = _cross_fit(experiment, rule, experiment.stack(fusing.chosen), fusing)
        yield Scored(rule, fused, fused, refused) if refused else _calibrate(experiment, rule, fused, fusing)


def fuse_by_network(experiment: Experiment) -> NDArray[np.float64]:
    """Average the cosines of the modalities that both sides have: sum(w s) / sum(w)."""
    cosines = experiment.stack(dict.fromkeys(experiment.figure.modalities, COSINE))
    present = ~np.isnan(cosines)
    mass = np.where(present, experiment.weights, 0.0).sum(axis=1)
    total = np.where(present, cosines * experiment.weights, 0.0).sum(axis=1)
    return np.divide(total, mass, out=np.full_like(total, np.nan), where=mass > 0)


def _calibrate(
    experiment: Experiment, comparator: str, scores: NDArray[np.float64], fusing: Fusing
) -> Scored:
    llrs, _ = _cross_fit(experiment, CALIBRATION, scores[:, None], fusing)
    return Scored(comparator, scores, llrs, None)


def _refuse(experiment: Experiment, comparator: str, lacking: Sequence[str], fusing: Fusing) -> Scored:
    nothing = np.full(len(experiment.trials), np.nan)
    names = " and ".join(f"{modality} by {fusing.chosen[modality]}" for modality in lacking)
    reason = f"there are no scores of {names} under {experiment.protocol}"
    return Scored(comparator, nothing, nothing, reason)


def _cross_fit(
    experiment: Experiment, rule: Rule, scores: NDArray[np.float64], fusing: Fusing
) -> tuple[NDArray[np.float64], str | None]:
    """Score each comparison by a fit that saw neither of its subjects, or say why that cannot be."""
    trials = experiment.trials
    try:
        fused = cross_fit(
            rule,
            scores,
            trials["mated"].to_numpy(),
            trials["probe_subject"].to_numpy(dtype=str),
            trials["reference_subject"].to_numpy(dtype=str),
            groups=fusing.groups,
            seed=fusing.seed,
            settings=fusing.settings,
            qualities=experiment.stack_qualities() if rule == "quality" else None,
        )
    except InputError as error:
        logger.debug("%s, %s, %s: %s", experiment.protocol, experiment.figure.name, rule, error)
        return np.full(len(scores), np.nan), str(error)
    return fused, None
