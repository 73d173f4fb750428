"""Score normalisation: the scores of every modality on one scale before they are added.

Sources: A. Jain, K. Nandakumar, A. Ross, "Score normalization in multimodal biometric systems", Pattern
Recognition 38 (2005), for the three rules; R. Auckenthaler, M. Carey, H. Lloyd-Thomas, "Score normalization
for text-independent speaker verification systems", Digital Signal Processing 10 (2000), for z on non-mated
scores; F. Hampel et al., "Robust Statistics: The Approach Based on Influence Functions", Wiley (1986).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfsame.errors import InputError
from selfsame.matching.score_fusion.documents import Documented, Number, Positive
from selfsame.matching.score_fusion.settings import NormalisationKind as Kind

TANH_SLOPE = 0.01
"""Slope of the tanh rule in robust standard deviations of the mated scores (Jain et al., eq. 10)."""

HAMPEL_SHARES = (0.70, 0.85, 0.95)
"""Shares of the mated scores within a, b and c of their median (Jain et al., section 3)."""

HAMPEL_STEPS = 50
"""Steps of reweighting; location has settled to 1e-9 of its scale after about ten."""

ROUNDING = 1e-9
"""Deviations closer together than this share of the largest are equal."""


@dataclass(frozen=True)
class ScoreNormalisation(Documented):
    """A strictly increasing map of the scores of one comparator.

    `z` and `min_max` give (score - centre) / scale; `tanh` gives (tanh(0.01 (score - centre) / scale) + 1)
    / 2, in (0, 1). Nothing is clipped: a score beyond those of the training keeps its place in the order.
    """

    kind: Kind
    centre: Number
    scale: Positive

    def apply(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """Normalise scores of any shape; NaN stays NaN, higher stays more alike."""
        standard = (np.asarray(scores, dtype=np.float64) - self.centre) / self.scale
        return (np.tanh(TANH_SLOPE * standard) + 1.0) / 2.0 if self.kind == "tanh" else standard


def fit_normalisation(
    kind: Kind, scores: NDArray[np.floating], mated: NDArray[np.bool_]
) -> ScoreNormalisation:
    """Learn the centre and the scale of the scores of one comparator.

    - `z`: mean and standard deviation of the non-mated scores. Those of all scores would depend on how many
      mated comparisons the trial list happens to hold; of the non-mated, z = 3 means the same for every
      modality: three standard deviations more alike than strangers are.
    - `tanh`: Hampel's location of the mated scores, and the standard deviation of what his influence function
      leaves of them.
    - `min_max`: the lowest of all scores and their range.

    Args:
        kind: the rule.
        scores: (n,) training scores, higher is more alike; NaN is left out.
        mated: (n,) whether both sides are the same subject.

    Raises:
        InputError: no mated or no non-mated score is left, or the scores do not vary.
    """
    values, present = np.asarray(scores, dtype=np.float64), np.isfinite(scores)
    own, others = values[present & mated], values[present & ~mated]
    if not len(own) or not len(others):
        raise InputError(
            f"expected mated and non-mated scores, got {len(own)} mated and {len(others)} non-mated: "
            "normalisation is learnt on training comparisons of both kinds"
        )
    if kind == "z":
        centre, scale = others.mean(), others.std()
    elif kind == "tanh":
        centre, scale = hampel(own)
    else:
        centre = min(own.min(), others.min())
        scale = max(own.max(), others.max()) - centre
    if not scale > 0:
        raise InputError(f"expected training scores that vary, got {len(values)} without spread for {kind}")
    return ScoreNormalisation(kind, float(centre), float(scale))


def hampel(scores: NDArray[np.float64]) -> tuple[float, float]:
    """Estimate location and scale so that scores far out count less, and those farthest out not at all.

    The influence of a deviation u is u up to a, a from a to b, falls to 0 from b to c and stays there; a, b
    and c hold 70, 85 and 95 % of the scores around the median. The scale is the root mean square influence.
    """
    location = float(np.median(scores))
    a, b, c = np.quantile(np.abs(scores - location), HAMPEL_SHARES)
    if not a > 0 or c - b <= ROUNDING * c:  # few or equal scores: nothing to be robust against
        return float(scores.mean()), float(scores.std())
    for _ in range(HAMPEL_STEPS):
        deviations = scores - location
        step = _influence(deviations, a, b, c).sum() / np.count_nonzero(np.abs(deviations) < c)
        location += float(step)
    return location, float(np.sqrt(np.mean(_influence(scores - location, a, b, c) ** 2)))


def _influence(deviations: NDArray[np.float64], a: float, b: float, c: float) -> NDArray[np.float64]:
    sizes = np.abs(deviations)
    falling = a * np.clip((c - sizes) / (c - b), 0.0, 1.0)
    return np.sign(deviations) * np.minimum(np.minimum(sizes, a), falling)
