"""Score fusion: fit a rule on training comparisons, by name, and read a fitted one back.

>>> rng = np.random.default_rng(0)
>>> mated = np.arange(600) < 200
>>> scores = rng.normal(3.0 * mated[:, None], 1.0, (600, 2))
>>> settings = FusionSettings(
...     normalisation="z", weights="d_prime", calibration="logistic", prior=0.5, spread=1.0
... )
>>> fusion = fit_fusion("likelihood_ratio", scores, mated, None, settings)
>>> read_fusion(fusion.to_document()) == fusion
True
"""

from typing import get_args

import numpy as np
from numpy.typing import NDArray

from selfsame.errors import DamagedError, InputError
from selfsame.matching.score_fusion.calibration import fit_calibration
from selfsame.matching.score_fusion.log_slopes import fit_log_slopes
from selfsame.matching.score_fusion.normalisation import fit_normalisation
from selfsame.matching.score_fusion.rules import (
    Calibrations,
    Combination,
    FittedFusion,
    Floats,
    LikelihoodRatioRule,
    LogisticRule,
    QualityLine,
    QualityRule,
    SumRule,
    apply_each,
    apply_lines,
    require_qualities,
    require_scores,
)
from selfsame.matching.score_fusion.separation import separation
from selfsame.matching.score_fusion.settings import FusionSettings, Rule

Flags = NDArray[np.bool_]

QUALITY_SHARES = (0.05, 0.95)
"""Shares of the training qualities below the two ends of a quality's line: beyond them there is too little
to fit."""
FEWEST_FOR_COVARIANCE = 30
"""Non-mated comparisons with both modalities below which two are taken as uncorrelated."""
QUALITY_STRATA = 20
"""Equally wide ranges of quality in which mated and non-mated comparisons weigh as much as each other."""
LEAST_WEIGHT = 1e-3
"""Nats; least spread of the LLRs of strangers, which are all equal where the steps of `pav` are wide."""


def fit_fusion(
    rule: Rule,
    scores: NDArray[np.floating],
    mated: Flags,
    qualities: NDArray[np.floating] | None,
    settings: FusionSettings,
) -> FittedFusion:
    """Learn how to fuse, or with one column how to calibrate, from training comparisons.

    - `sum`: normalised scores times d-prime (or 1), see `SumRule`. Equal weights let a useless modality
      spoil a good one; a d-prime of 0 weighs nothing.
    - `likelihood_ratio`: sum of calibrated LLRs.
    - `logistic`: LLRs times factors that logistic regression finds for every set of two or more modalities
      that occurs, on all comparisons that have at least these. It starts from the plain sum (factors 1,
      offset 0) and leaves it as far as the data pay for: LLRs as input, not scores, so that little data
      means `likelihood_ratio`, and missing modalities need no guess.
    - `quality`: LLRs on a line that their quality decides, see `QualityRule`; then as `logistic`.

    Args:
        rule: the name.
        scores: (n, m) similarities, higher is more alike; NaN where a modality is missing on a side.
        mated: (n,) whether both sides are the same subject.
        qualities: (n, m) in [0, 1], the lower of the two sides' for each modality; None but for rule quality.
        settings: what may be tuned.

    Raises:
        InputError: unknown rule, shapes that do not fit, qualities that are missing, or a modality without
            mated or without non-mated comparisons.
    """
    values, same = require_scores(scores), np.asarray(mated, dtype=bool)
    if same.shape != values.shape[:1]:
        raise InputError(f"expected one mated flag a row of scores, got {same.shape} for {values.shape}")
    _require_both_kinds(values, same)
    if rule == "sum":
        return _fit_sum(values, same, settings)
    if rule == "likelihood_ratio":
        return LikelihoodRatioRule("likelihood_ratio", _calibrate(values, same, settings))
    if rule == "logistic":
        return _fit_logistic(values, same, settings)
    if rule == "quality":
        return _fit_quality(values, same, require_qualities(qualities, values.shape), settings)
    raise InputError(f"expected a fusion rule of {', '.join(get_args(Rule))}, got {rule}")


def read_fusion(document: object) -> FittedFusion:
    """Read back the document of a fitted rule.

    Raises:
        DamagedError: the rule is unknown, or a field is missing, unknown, out of range or not finite.
    """
    kinds: dict[object, type[FittedFusion]] = {
        "sum": SumRule, "likelihood_ratio": LikelihoodRatioRule, "logistic": LogisticRule, "quality":
        QualityRule
    }  # fmt: skip
    rule = document.get("rule") if isinstance(document, dict) else None
    if rule not in kinds:
        raise DamagedError(
            f"expected a document of a rule of {', '.join(get_args(Rule))}, got {rule}: fit it again"
        )
    return kinds[rule].from_document(document)


def _fit_sum(scores: Floats, mated: Flags, settings: FusionSettings) -> SumRule:
    columns = range(scores.shape[1])
    maps = tuple(fit_normalisation(settings.normalisation, scores[:, i], mated) for i in columns)
    values = apply_each(maps, scores)
    weights = [1.0 if settings.weights == "equal" else separation(values[:, i], mated) for i in columns]
    others = values[~mated]
    covariance = [[_covariance(others, i, j) for j in columns] for i in columns]
    if not all(covariance[i][i] > 0 for i in columns):
        raise InputError("expected non-mated training scores that vary in every modality, got equal ones")
    return SumRule(
        "sum", maps, tuple(weights), tuple(np.nanmean(others, axis=0).tolist()), tuple(map(tuple, covariance))
    )


def _covariance(values: Floats, i: int, j: int) -> float:
    left, right = values[~np.isnan(values[:, [i, j]]).any(axis=1)][:, [i, j]].T
    if i != j and len(left) < FEWEST_FOR_COVARIANCE:
        return 0.0
    return max(float(np.mean((left - left.mean()) * (right - right.mean()))), 0.0)


def _calibrate(scores: Floats, mated: Flags, settings: FusionSettings) -> Calibrations:
    return tuple(
        fit_calibration(
            settings.calibration, scores[:, i], mated, prior=settings.prior, spread=settings.spread
        )
        for i in range(scores.shape[1])
    )


def _fit_logistic(scores: Floats, mated: Flags, settings: FusionSettings) -> LogisticRule:
    calibrations = _calibrate(scores, mated, settings)
    combinations = _combinations(apply_each(calibrations, scores), mated, settings)
    return LogisticRule("logistic", calibrations, combinations)


def _combinations(llrs: Floats, mated: Flags, settings: FusionSettings) -> tuple[Combination, ...]:
    present = ~np.isnan(llrs)
    combinations = []
    for pattern in np.unique(present, axis=0):
        members = np.flatnonzero(pattern)
        rows = present[:, members].all(axis=1)
        if len(members) < 2 or mated[rows].all() or not mated[rows].any():
            continue
        factors, offsets = fit_log_slopes(
            llrs[np.ix_(rows, members)], mated[rows],
            prior=settings.prior, spread=settings.spread, offset_spread=settings.spread,
        )  # fmt: skip
        combinations.append(Combination(tuple(members.tolist()), tuple(factors.tolist()), float(offsets[0])))
    return tuple(combinations)


def _fit_quality(scores: Floats, mated: Flags, qualities: Floats, settings: FusionSettings) -> QualityRule:
    calibrations = _calibrate(scores, mated, settings)
    llrs = apply_each(calibrations, scores)
    lines = tuple(_quality_line(llrs[:, i], mated, qualities[:, i], settings) for i in range(llrs.shape[1]))
    weighted = apply_lines(lines, llrs, qualities)
    return QualityRule("quality", calibrations, lines, _combinations(weighted, mated, settings))


def _quality_line(llrs: Floats, mated: Flags, qualities: Floats, settings: FusionSettings) -> QualityLine:
    known = ~np.isnan(llrs) & ~np.isnan(qualities)
    if mated[known].all() or not mated[known].any():
        return QualityLine(0.0, 1.0, (1.0, 1.0), (0.0, 0.0))
    low, high = (float(end) for end in np.quantile(qualities[known], QUALITY_SHARES))
    plain = QualityLine(low, high, (1.0, 1.0), (0.0, 0.0))
    if not high > low:
        return plain
    ends = plain.ends(qualities[known])
    # where scores say little, quality may not say more
    weight = max(float(llrs[known][~mated[known]].std()), LEAST_WEIGHT)
    factors, offsets = fit_log_slopes(
        llrs[known, None] * ends, mated[known],
        prior=settings.prior, spread=settings.spread, offset_spread=settings.spread * weight, offsets=ends,
        strata=np.minimum(ends[:, 1] * QUALITY_STRATA, QUALITY_STRATA - 1).astype(np.int64),
    )  # fmt: skip
    return QualityLine(
        low, high, (float(factors[0]), float(factors[1])), (float(offsets[0]), float(offsets[1]))
    )


def _require_both_kinds(scores: Floats, mated: Flags) -> None:
    present = np.isfinite(scores)
    for i in range(scores.shape[1]):
        own, others = np.count_nonzero(present[mated, i]), np.count_nonzero(present[~mated, i])
        if not own or not others:
            raise InputError(
                f"expected mated and non-mated training comparisons of every modality, got {own} mated and "
                f"{others} non-mated in column {i}: leave that modality out, or train on more subjects"
            )
