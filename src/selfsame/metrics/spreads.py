"""How far the rates of several groups lie apart, as one number.

Sources: as in `selfsame.metrics.differentials`; worst over geometric mean from P. Grother, "Demographic
differentials in face recognition algorithms", EAB Virtual Events Series (2021).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfsame.metrics.intervals import bias_corrected_interval

Interval = tuple[float, float]


@dataclass(frozen=True)
class Spread:
    """How far one rate lies apart in the groups, with intervals of 95 % by subject bootstrap.

    The spread of a sample is never below that of everybody, so a lower end above "all alike" is no proof.

    Attributes:
        difference: largest - smallest rate; 0 where all are alike.
        ratio: largest / smallest; 1 where all are alike, inf where only the smallest is 0, NaN where all are
            0.
        worst_to_mean: largest / geometric mean; as the ratio.
        gini: Gini coefficient, freed of the bias of few groups; 0 where all are alike (0 too), at most 1.
    """

    difference: float
    difference_interval: Interval
    ratio: float
    ratio_interval: Interval
    worst_to_mean: float
    worst_to_mean_interval: Interval
    gini: float
    gini_interval: Interval


def measure_spread(rates: NDArray[np.float64], resampled: NDArray[np.float64]) -> Spread:
    """Measure the spread of (groups,) rates, its interval from (groups, resamples) of the same."""
    figures = (difference, ratio, worst_to_mean, gini)
    values = [float(figure(rates)) for figure in figures]
    bounds = [
        bias_corrected_interval(value, figure(resampled))
        for value, figure in zip(values, figures, strict=True)
    ]
    return Spread(
        difference=values[0],
        difference_interval=bounds[0],
        ratio=values[1],
        ratio_interval=bounds[1],
        worst_to_mean=values[2],
        worst_to_mean_interval=bounds[2],
        gini=values[3],
        gini_interval=bounds[3],
    )


def difference(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Subtract the smallest from the largest of (groups, ...) rates."""
    return np.asarray(rates.max(axis=0) - rates.min(axis=0))


def ratio(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide the largest by the smallest of (groups, ...) rates: inf over 0, NaN where all are 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(rates.max(axis=0) / rates.min(axis=0))


def worst_to_mean(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide the largest of (groups, ...) rates by their geometric mean: inf over 0, NaN where all are 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(rates.max(axis=0) / np.exp(np.log(rates).mean(axis=0)))


def gini(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the Gini coefficient of (groups, ...) rates: n / (n - 1) * mean |x - y| / (2 mean x).

    >>> float(gini(np.array([0.0, 0.5])))
    1.0
    """
    groups = len(rates)
    apart = np.abs(rates[:, None] - rates[None]).mean(axis=(0, 1))
    mean = rates.mean(axis=0)
    scaled = np.divide(apart, 2 * mean, out=np.zeros_like(apart), where=mean > 0)
    return np.asarray(np.where(np.isnan(mean), np.nan, scaled * groups / (groups - 1)))


def fairness_discrepancy_rate(fmr: NDArray[np.float64], fnmr: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute 1 - (spread of FMR + spread of FNMR) / 2 of (groups, ...) rates: 1 where all are alike."""
    return 1.0 - (difference(fmr) + difference(fnmr)) / 2
