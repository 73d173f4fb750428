"""Rules of score fusion: one score of a comparison from the scores of the modalities that both sides have.

Each rule is a frozen dataclass with `modalities` (how many columns it was fitted on), `apply`,
`to_document` and `from_document`. Scores are (n, m), NaN where a modality is missing; a row without any
gives NaN.

Sources: A. Ross, K. Nandakumar, A. Jain, "Handbook of Multibiometrics", Springer (2006); K. Nandakumar, Y.
Chen, S. Dass, A. Jain, "Likelihood ratio-based biometric score fusion", IEEE PAMI 30 (2008).
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from selfsame.errors import DamagedError, InputError
from selfsame.matching.score_fusion.calibration import LogisticCalibration, PavCalibration
from selfsame.matching.score_fusion.documents import Documented, Number, Positive
from selfsame.matching.score_fusion.normalisation import ScoreNormalisation

Floats = NDArray[np.float64]
Calibrations = tuple[Annotated[LogisticCalibration | PavCalibration, Field(discriminator="kind")], ...]


@dataclass(frozen=True)
class SumRule(Documented):
    """Weighted sum of the normalised scores of those present, in standard deviations of non-mated sums.

    With w the weights, x the normalised scores, m their non-mated means and C their non-mated covariance,
    each over the modalities present: w (x - m) / sqrt(w C w). Where all are present it orders comparisons
    as the plain weighted mean does. Dividing by the standard deviation, not by the sum of the weights,
    makes sums over different modalities comparable: one threshold gives strangers the same chance whatever
    is missing.

    Attributes:
        normalisations: one for each modality.
        weights: above 0, one for each modality.
        centres: mean of the normalised non-mated scores.
        covariance: (m, m) of the normalised non-mated scores, nothing below 0.
    """

    rule: Literal["sum"]
    normalisations: tuple[ScoreNormalisation, ...]
    weights: tuple[Positive, ...]
    centres: tuple[Number, ...]
    covariance: tuple[tuple[Annotated[float, Field(ge=0, allow_inf_nan=False)], ...], ...]

    def __post_init__(self) -> None:
        lengths = [len(self.weights), len(self.centres), len(self.covariance), *map(len, self.covariance)]
        _require_lengths(len(self.normalisations), lengths)
        if any(self.covariance[i][i] <= 0 for i in range(self.modalities)):
            raise DamagedError("expected variances above 0 on the diagonal, got 0: fit the fusion again")

    @property
    def modalities(self) -> int:
        """How many columns of scores it takes."""
        return len(self.normalisations)

    def apply(self, scores: NDArray[np.floating], qualities: NDArray[np.floating] | None = None) -> Floats:
        """Fuse (n, m) scores into (n,) sums, higher is more alike; qualities are not looked at."""
        values = apply_each(self.normalisations, require_scores(scores, self.modalities))
        weights = np.where(np.isnan(values), 0.0, self.weights)
        sums = np.sum(weights * np.nan_to_num(values - np.array(self.centres)), axis=1)
        variances = np.einsum("ni,ij,nj->n", weights, np.array(self.covariance), weights, optimize=True)
        return np.divide(sums, np.sqrt(variances), out=np.full(len(sums), np.nan), where=variances > 0)


@dataclass(frozen=True)
class LikelihoodRatioRule(Documented):
    """Product of the likelihood ratios of those present: right for independent modalities."""

    rule: Literal["likelihood_ratio"]
    calibrations: Calibrations

    def __post_init__(self) -> None:
        _require_lengths(len(self.calibrations), [])

    @property
    def modalities(self) -> int:
        """How many columns of scores it takes."""
        return len(self.calibrations)

    def apply(self, scores: NDArray[np.floating], qualities: NDArray[np.floating] | None = None) -> Floats:
        """Fuse (n, m) scores into (n,) LLRs, in nats; qualities are not looked at."""
        return sum_present(apply_each(self.calibrations, require_scores(scores, self.modalities)))


@dataclass(frozen=True)
class Combination(Documented):
    """How the LLRs of one set of modalities are added.

    Attributes:
        members: columns, rising, two or more.
        factors: of each member's LLR, above 0; below 1 where members tell the same thing twice.
        offset: added to the sum, in nats.
    """

    members: tuple[int, ...]
    factors: tuple[Positive, ...]
    offset: Number

    def __post_init__(self) -> None:
        _require_lengths(len(self.members), [len(self.factors)])


@dataclass(frozen=True)
class LogisticRule(Documented):
    """Weighted sum of LLRs, with weights of its own for each set of modalities that the training held.

    A set without weights, and a single modality, gives the plain sum of LLRs.
    """

    rule: Literal["logistic"]
    calibrations: Calibrations
    combinations: tuple[Combination, ...]

    def __post_init__(self) -> None:
        _require_lengths(len(self.calibrations), [])
        _require_members(self.combinations, self.modalities)

    @property
    def modalities(self) -> int:
        """How many columns of scores it takes."""
        return len(self.calibrations)

    def apply(self, scores: NDArray[np.floating], qualities: NDArray[np.floating] | None = None) -> Floats:
        """Fuse (n, m) scores into (n,) LLRs, in nats; qualities are not looked at."""
        llrs = apply_each(self.calibrations, require_scores(scores, self.modalities))
        return combine(llrs, self.combinations)


@dataclass(frozen=True)
class QualityLine(Documented):
    """How quality changes the evidence of a modality: LLR times a factor, plus an offset.

    Factor and offset lie on straight lines between two qualities and are constant beyond them.

    Attributes:
        low: the one quality, in [0, 1].
        high: the other; equal to `low` where quality did not vary.
        factors: at low and at high quality, above 0.
        offsets: at low and at high quality, in nats.
    """

    low: Number
    high: Number
    factors: tuple[Positive, Positive]
    offsets: tuple[Number, Number]

    def ends(self, qualities: Floats) -> Floats:
        """Give the shares (n, 2) that the low and the high end have in each quality."""
        width = self.high - self.low
        share = np.clip((qualities - self.low) / width, 0.0, 1.0) if width > 0 else 0.0 * qualities + 1.0
        return np.column_stack([1.0 - share, share])

    def apply(self, llrs: Floats, qualities: Floats) -> Floats:
        """Change (n,) LLRs by their qualities; where that is not known they stay as they are."""
        ends = self.ends(qualities)
        changed = llrs * (ends @ np.array(self.factors)) + ends @ np.array(self.offsets)
        return np.where(np.isnan(qualities), llrs, changed)


@dataclass(frozen=True)
class QualityRule(Documented):
    """Weighted sum of LLRs as `LogisticRule`, each first put on a line that its quality decides.

    A better capture makes a high score likelier for its own subject only, so both the slope of the LLR and
    its zero move. Quality is never evidence by itself: mated and non-mated comparisons of one quality weigh
    the same in the fit. Source of the idea: J. Fierrez-Aguilar et al., "Discriminative multimodal biometric
    authentication based on quality measures", Pattern Recognition 38 (2005).
    """

    rule: Literal["quality"]
    calibrations: Calibrations
    lines: tuple[QualityLine, ...]
    combinations: tuple[Combination, ...]

    def __post_init__(self) -> None:
        _require_lengths(len(self.calibrations), [len(self.lines)])
        _require_members(self.combinations, self.modalities)

    @property
    def modalities(self) -> int:
        """How many columns of scores it takes."""
        return len(self.calibrations)

    def apply(self, scores: NDArray[np.floating], qualities: NDArray[np.floating] | None = None) -> Floats:
        """Fuse (n, m) scores and (n, m) qualities in [0, 1] into (n,) LLRs, in nats.

        An unknown quality (NaN) leaves the LLR as it is.
        """
        values = require_scores(scores, self.modalities)
        known = require_qualities(qualities, values.shape)
        llrs = apply_lines(self.lines, apply_each(self.calibrations, values), known)
        return combine(llrs, self.combinations)


FittedFusion = SumRule | LikelihoodRatioRule | LogisticRule | QualityRule
ColumnMap = ScoreNormalisation | LogisticCalibration | PavCalibration


def apply_each(maps: tuple[ColumnMap, ...], values: Floats) -> Floats:
    """Apply the map of each column to (n, m) values."""
    return np.column_stack([one.apply(values[:, i]) for i, one in enumerate(maps)])


def apply_lines(lines: tuple[QualityLine, ...], llrs: Floats, qualities: Floats) -> Floats:
    """Change each column of (n, m) LLRs by its qualities."""
    return np.column_stack([one.apply(llrs[:, i], qualities[:, i]) for i, one in enumerate(lines)])


def sum_present(values: Floats) -> Floats:
    """Add each row without its NaN; a row of NaN only gives NaN."""
    return np.where(np.isnan(values).all(axis=1), np.nan, np.nansum(values, axis=1))


def combine(llrs: Floats, combinations: tuple[Combination, ...]) -> Floats:
    """Add (n, m) LLRs with the factors of the set of modalities that each row has, or plainly without."""
    fused, present = sum_present(llrs), ~np.isnan(llrs)
    for one in combinations:
        rows = np.all(present == np.isin(np.arange(llrs.shape[1]), one.members), axis=1)
        fused[rows] = llrs[np.ix_(rows, one.members)] @ np.array(one.factors) + one.offset
    return fused


def require_scores(scores: NDArray[np.floating], modalities: int | None = None) -> Floats:
    """Check that scores are (n, m) with the modalities expected, finite or NaN; give them as float64.

    Raises:
        InputError: another shape, or an infinite score.
    """
    values = np.asarray(scores, dtype=np.float64)
    wanted = "m" if modalities is None else str(modalities)
    if values.ndim != 2 or not values.shape[1] or (modalities is not None and values.shape[1] != modalities):
        raise InputError(f"expected scores of shape (n, {wanted}), one column a modality, got {values.shape}")
    if np.isinf(values).any():
        raise InputError(
            f"expected finite scores, or NaN where missing, got {np.isinf(values).sum()} infinite"
        )
    return values


def require_qualities(qualities: NDArray[np.floating] | None, shape: tuple[int, ...]) -> Floats:
    """Check that qualities are given, one for each score, in [0, 1] or NaN; give them as float64.

    Raises:
        InputError: none given, another shape, or a value out of range.
    """
    if qualities is None or np.shape(qualities) != shape:
        got = "none" if qualities is None else f"shape {np.shape(qualities)}"
        raise InputError(
            f"expected a quality for each score, shape {shape}, got {got}: choose another rule without"
        )
    values = np.asarray(qualities, dtype=np.float64)
    if np.any((values < 0) | (values > 1)):
        raise InputError(
            f"expected qualities in [0, 1], got {np.nanmin(values):.3g} to {np.nanmax(values):.3g}"
        )
    return values


def _require_lengths(expected: int, lengths: list[int]) -> None:
    if not expected or any(length != expected for length in lengths):
        raise DamagedError(f"expected {max(expected, 1)} of each, got {lengths}: fit the fusion again")


def _require_members(combinations: tuple[Combination, ...], modalities: int) -> None:
    members = sorted({member for one in combinations for member in one.members})
    if members and not 0 <= members[0] <= members[-1] < modalities:
        raise DamagedError(f"expected members of 0 to {modalities - 1}, got {members}: fit the fusion again")
