"""How often the intervals of 95 % hold the truth, and what a thousand resamples cost.

    python benchmarks/bootstrap.py [--simulations 400] [--resamples 200] [--subjects 20 50 100 200]
    python benchmarks/bootstrap.py --short

Claims: at least 92 % of the intervals of every rate hold the truth; 1,000 resamples of 100,000 scores, with
the EER, the AUC and the FNMR at two FMRs in each, take at most 5 s and 1 GiB.

People differ: some are hard to match (goats), some are easy to be taken for and easily taken for others
(wolves and lambs), so that neither mated nor non-mated comparisons are independent. In every simulation new
people are drawn, all probes are compared with one reference of everybody, and every rate is measured with its
interval. The truth follows from the normal distribution of the scores; that of rank-1 and of the macro rates
is their mean over all simulations. A claim holds where at least 92 % of the intervals hold the truth, less
2.5 standard errors of the simulation; above 97 % they are wider than they need be. Status 1 where a claim
does not hold.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from rounds import Claim, Row, conclude, cost_of, parser_of, peak_mib, run_rounds
from selfsame.metrics.classification import classification_rates, macro_intervals
from selfsame.metrics.clustering import share_interval
from selfsame.metrics.comparisons import Comparisons
from selfsame.metrics.identification import mated_ranks
from selfsame.metrics.intervals import draw_multiplicities, rate_interval
from selfsame.metrics.operating import match_intervals
from selfsame.metrics.roc import area_interval, equal_error_interval
from selfsame.metrics.verification import (
    ErrorCurve,
    draw_curves,
    error_curve,
    match_rates,
    read_fnmr,
    resample_curves,
)

Interval = tuple[float, float]

READS = (ErrorCurve.equal_error_rate, ErrorCurve.area, read_fnmr(0.01), read_fnmr(0.001))
"""What the evaluation reads off every resampled curve."""

GOAT, WOLF, NOISE = 0.7, 0.35, 1.0
"""Standard deviations of a person's mated scores, of a person's part in others, and of a comparison."""

PROBES = 3  # of each person
RATES = (0.005, 0.02, 0.1, 0.3)
"""The equal error rates of populations, and the rates at their thresholds."""

LEAST, MOST = 0.92, 0.97
MOST_S, MOST_MIB = 5.0, 1024.0
MATED_SD, OTHER_SD = np.hypot(GOAT, NOISE), np.sqrt(2 * WOLF**2 + NOISE**2)


@dataclass(frozen=True)
class Population:
    """People whose scores have a given equal error rate: everything about them is known."""

    rate: float
    separation: float

    @classmethod
    def of(cls, rate: float) -> "Population":
        """Set mated scores apart from others so far that both error rates are `rate` at one threshold."""
        return cls(rate, float(OTHER_SD * norm.isf(rate) - MATED_SD * norm.ppf(rate)))

    def threshold(self) -> float:
        """Where FMR and FNMR are both the rate."""
        return float(OTHER_SD * norm.isf(self.rate))

    def area(self) -> float:
        """The AUC."""
        return float(norm.cdf(self.separation / np.hypot(MATED_SD, OTHER_SD)))

    def fnmr_at(self, fmr: float) -> float:
        """FNMR at the threshold of an FMR."""
        return float(norm.cdf((OTHER_SD * norm.isf(fmr) - self.separation) / MATED_SD))

    def draw(self, subjects: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw (subjects * PROBES, subjects) scores of new people; the probes of one follow each other."""
        goats, wolves = rng.normal(0, GOAT, subjects), rng.normal(0, WOLF, subjects)
        owner = np.repeat(np.arange(subjects), PROBES)
        scores = wolves[owner][:, None] + wolves[None]
        scores[np.arange(len(owner)), owner] = self.separation + goats[owner]
        return np.asarray(scores + rng.normal(0, NOISE, scores.shape))


def measure(
    population: Population, subjects: int, resamples: int, rng: np.random.Generator
) -> dict[str, tuple[float, Interval]]:
    """Measure every rate of one draw of people, each with its interval."""
    scores = population.draw(subjects, rng)
    owner = np.repeat(np.arange(subjects), PROBES)
    names = np.char.zfill(np.arange(subjects).astype(str), 4)
    comparisons = Comparisons(scores.ravel(), np.repeat(names[owner], subjects), np.tile(names, len(owner)))
    drawn = draw_multiplicities(subjects, resamples, rng)
    threshold = population.threshold()
    fmr, fnmr = match_rates(comparisons, threshold)
    fmr_interval, fnmr_interval = match_intervals(comparisons, threshold)
    curve, resampled = error_curve(comparisons), list(draw_curves(comparisons, drawn))
    eer, auc = float(curve.equal_error_rate()), float(curve.area())
    at = float(curve.fnmr_at(0.01))
    found = {
        "FMR": (fmr, fmr_interval),
        "FNMR": (fnmr, fnmr_interval),
        "EER": (
            eer,
            equal_error_interval(comparisons, np.concatenate([c.equal_error_rate() for c in resampled])),
        ),
        "AUC": (auc, area_interval(comparisons, np.concatenate([c.area() for c in resampled]))),
        "FNMR@FMR=1%": (
            at,
            rate_interval(at, np.concatenate([c.fnmr_at(0.01) for c in resampled]), subjects),
        ),
    }
    first = mated_ranks(scores, owner) == 1
    found["rank-1"] = (float(first.mean()), share_interval(first, owner))
    truth, named = names[owner], names[scores.argmax(axis=1)]
    macro, intervals = classification_rates(truth, named), macro_intervals(truth, named)
    found["macro precision"] = (macro.precision, intervals.precision)
    found["macro F1"] = (macro.f1, intervals.f1)
    return found


def cover(
    population: Population, subjects: int, simulations: int, resamples: int, rng: np.random.Generator
) -> Iterator[tuple[str, Row, Claim]]:
    """Give a row and a claim for each rate: how often its interval holds the truth."""
    values: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for _ in range(simulations):
        for name, (value, (low, high)) in measure(population, subjects, resamples, rng).items():
            values[name].append((value, low, high))
    known = {"FMR": population.rate, "FNMR": population.rate, "EER": population.rate}
    known |= {"AUC": population.area(), "FNMR@FMR=1%": population.fnmr_at(0.01)}
    slack = 2.5 * np.sqrt(LEAST * (1 - LEAST) / simulations)
    for name, rows in values.items():
        value, low, high = np.array(rows).T
        truth = known.get(name, float(value.mean()))
        held = float(np.mean((low <= truth) & (truth <= high)))
        row: Row = {
            "truth": truth,
            "held": held,
            "below": float(np.mean(truth < low)),
            "above": float(np.mean(truth > high)),
            "width": float((high - low).mean()),
            "": "TOO NARROW" if held < LEAST - slack else "wide" if held > MOST else "",
        }
        where = f"{subjects} subjects, rate {population.rate:g}: {name}"
        text = f"intervals that hold the truth, {where} (at least {LEAST:g} less chance)"
        yield where, row, Claim(text, held, held >= LEAST - slack)


def make_resamplings(resamples: int) -> dict[str, Callable[[], object]]:
    """Set up the resampling of 100,000 scores: in order, mixed, and mixed with many people."""
    designs = {}
    for subjects, separation in ((45, 3.0), (45, 0.0), (300, 3.0), (300, 0.0)):
        rng = np.random.default_rng(0)
        probe, reference = rng.integers(0, subjects, (2, 100_000))
        scores = rng.normal(size=100_000) + separation * (probe == reference)
        comparisons = Comparisons(scores, probe.astype(str), reference.astype(str))
        drawn = draw_multiplicities(subjects, resamples, rng)
        name = f"{subjects} subjects, separation {separation:g}: {resamples:,} resamples"
        designs[name] = partial(resample_curves, comparisons, drawn, *READS)
    return designs


def time_resampling(rounds: int, resamples: int) -> tuple[dict[str, Row], list[Claim]]:
    """Time the resamplings; the claim of 1,000 is made of as many."""
    designs = make_resamplings(resamples)
    found = run_rounds(designs, rounds)
    costs = {name: cost_of(found, name) for name in designs}
    dearest, peak = max(costs.values(), key=lambda cost: cost.median), peak_mib()
    claims = [
        Claim(f"s of 1,000 resamples (at most {MOST_S:g})", dearest, dearest.median <= MOST_S),
        Claim(f"MiB at most (at most {MOST_MIB:g})", peak, peak <= MOST_MIB),
    ]
    return {name: {"s": cost} for name, cost in costs.items()}, claims


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = parser_of(__doc__, rounds=3)
    parser.add_argument("--simulations", type=int, default=400)
    parser.add_argument("--resamples", type=int, default=200)
    parser.add_argument("--subjects", type=int, nargs="+", default=[20, 50, 100, 200])
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    if asked.short:
        asked.rounds, asked.simulations, asked.resamples, asked.subjects = 1, 40, 100, [20]
    return asked


def main(arguments: Sequence[str] | None = None) -> int:
    asked = parse_arguments(arguments)
    table, claims = time_resampling(asked.rounds, 1000)
    rng = np.random.default_rng(asked.seed)
    for subjects in asked.subjects:
        for rate in RATES[1:3] if asked.short else RATES:
            for name, row, claim in cover(
                Population.of(rate), subjects, asked.simulations, asked.resamples, rng
            ):
                table[name] = row
                claims.append(claim)
    return conclude("bootstrap", table, claims, asked)


if __name__ == "__main__":
    sys.exit(main())
