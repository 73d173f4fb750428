"""Intervals of 95 % in which subjects are the unit: two captures of one eye are not two independent trials.

The percentiles of a bootstrap are too narrow where a rate rests on few errors: they repeat the errors that
were seen and know nothing of those that were missed. So the bootstrap gives only the variance; that is turned
into the number of independent trials which would vary as much, and the interval is the exact binomial one of
so many trials (Korn and Graubard), never narrower than the rule of three where at most three subjects erred.

Sources: R. M. Bolle, N. K. Ratha, S. Pankanti, "Error analysis of pattern recognition systems: the subsets
bootstrap", Computer Vision and Image Understanding 93 (2004); E. L. Korn, B. I. Graubard, "Confidence
intervals for proportions with small expected number of positive counts estimated from survey data", Survey
Methodology 24 (1998); J. A. Hanley, A. Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA
249 (1983); B. Efron, "Better bootstrap confidence intervals", Journal of the American Statistical Association
82 (1987).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtr, ndtri, stdtrit

CONFIDENCE = 0.95
TAIL = (1.0 - CONFIDENCE) / 2
RULE_OF_THREE = 3.0
"""-ln(1 - 0.95), rounded up: no error in n independent trials bounds the rate at 3/n."""

FEW = 3
"""Where at most so many subjects erred, the variance itself is a guess and the rule of three is the floor."""


MOST_TRIALS = 1e12
"""More would be beyond the arithmetic of the binomial; an interval of so many is narrower than 1e-5."""


def draw_multiplicities(subjects: int, resamples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw how often each subject occurs in each resample of all subjects with replacement.

    Returns:
        (subjects, resamples) float64 whole numbers; each column sums to `subjects`.
    """
    share = np.full(subjects, 1.0 / subjects)
    return rng.multinomial(subjects, share, size=resamples).T.astype(np.float64)


def resample_rate(
    hits: NDArray[np.float64], owners: NDArray[np.int64], multiplicities: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Recompute a mean over trials in every resample of the subjects who made them.

    Args:
        hits: (n,) the value of each trial, 1 for a success.
        owners: (n,) row of the subject of each trial in `multiplicities`.
        multiplicities: (subjects, resamples) from `draw_multiplicities`.

    Returns:
        (resamples,) rates, NaN for a resample that holds no trial.
    """
    subjects = len(multiplicities)
    trials = np.bincount(owners, minlength=subjects) @ multiplicities
    successes = np.bincount(owners, weights=hits, minlength=subjects) @ multiplicities
    return np.divide(successes, trials, out=np.full_like(trials, np.nan), where=trials > 0)


def rate_interval(rate: float, resampled: NDArray[np.float64], subjects: int) -> tuple[float, float]:
    """Bound a rate by how much its resamples vary; EER and AUC have rules of their own in `roc`.

    A resample holds none of k subjects out of many with probability exp(-k). So a resample in forty (the
    lower 2.5 %) without an error tells that at most three subjects erred, and the upper end is then at least
    3 / subjects; likewise at the other end of the scale.

    Args:
        rate: the point estimate, in [0, 1].
        resampled: (resamples,) the same rate in every resample; NaN where it could not be computed.
        subjects: how many subjects the rate rests on.
    """
    usable = resampled[np.isfinite(resampled)]
    if 0.0 < rate < 1.0 and (len(usable) < 2 or subjects < 2):
        return 0.0, 1.0
    return exact_interval(
        rate,
        float(usable.var(ddof=1)) * subjects / (subjects - 1) if len(usable) > 1 and subjects > 1 else 0.0,
        max(subjects - 1.0, 1.0),
        margin=RULE_OF_THREE / subjects,
        few_hits=bool(np.mean(usable <= 0.0) > TAIL) if len(usable) else True,
        few_misses=bool(np.mean(usable >= 1.0) > TAIL) if len(usable) else True,
    )


def exact_interval(
    rate: float, variance: float, freedom: float, *, margin: float, few_hits: bool, few_misses: bool
) -> tuple[float, float]:
    """Bound a rate by the exact binomial interval of as many trials as have its variance.

    n = rate (1 - rate) / variance, lessened by (z / t)^2 because the variance is itself estimated, t with as
    many degrees of freedom as it was estimated with; the interval is that of Clopper and Pearson for rate * n
    errors in n.

    Args:
        rate: the point estimate, in [0, 1].
        variance: its squared standard error. 0 with a rate between 0 and 1 (everybody alike) counts every
            degree of freedom as one trial.
        freedom: degrees of freedom of the variance, such as subjects - 1; above 0.
        margin: the bound where no error was seen, such as 3 / subjects; larger than 1 means 1.
        few_hits: whether the upper end must not be below the margin.
        few_misses: whether the lower end must not be above 1 - margin.
    """
    margin = min(1.0, margin)
    if rate <= 0.0:
        return 0.0, margin
    if rate >= 1.0:
        return 1.0 - margin, 1.0
    trials = rate * (1.0 - rate) / variance if variance > 0 else freedom
    trials = min(trials * (ndtri(TAIL) / stdtrit(freedom, TAIL)) ** 2, MOST_TRIALS)
    errors = rate * trials
    low = float(betaincinv(errors, trials - errors + 1.0, TAIL))
    high = float(betaincinv(errors + 1.0, trials - errors, 1.0 - TAIL))
    low = min(low, 1.0 - margin) if few_misses else low
    return min(low, rate), max(high, margin, rate) if few_hits else max(high, rate)


def bias_corrected_interval(value: float, resampled: NDArray[np.float64]) -> tuple[float, float]:
    """Bound a figure that is no rate (a ratio, a spread, a cost) by percentiles freed of the resamples' lean.

    The percentiles are those at Phi(2 z0 + z), z0 the normal deviate of the share of resamples below the
    value; where the resamples lean neither way they are the plain ones.

    Args:
        value: the point estimate.
        resampled: (resamples,) the same figure in every resample; NaN is left out, infinite values count.

    Returns:
        Lower and upper end; (-inf, inf) where there is nothing to go by.
    """
    usable = np.sort(resampled[~np.isnan(resampled)])
    if len(usable) < 2 or np.isnan(value):
        return -np.inf, np.inf
    below = (np.count_nonzero(usable < value) + np.count_nonzero(usable <= value)) / 2
    half = 0.5 / len(usable)
    lean = ndtri(np.clip(below / len(usable), half, 1.0 - half))
    shares = ndtr(2 * lean + ndtri(np.array([TAIL, 1.0 - TAIL])))
    places = np.clip(np.round(shares * len(usable) - 0.5).astype(int), 0, len(usable) - 1)
    return float(min(usable[places[0]], value)), float(max(usable[places[1]], value))
