"""Fuse simulated scores by every rule and count how often a rule is worse than the best modality it fuses.

    python benchmarks/score_fusion.py [--repeats 40] [--subjects 45 200] [--scenarios useless half]
    python benchmarks/score_fusion.py --short

Claim: the shipped rule (a sum weighted by d-prime) is worse than its best member, by the EER, in no more
repeats than chance explains, whatever it is fused with. Status 1 where it does not hold.

Subjects have traits of their own (some are harder to recognise than others), captures vary in quality,
scores are cross-fitted over subjects in five groups. A rule is `worse` (or `better`) where the 95 %
interval of its difference to the best member, by the paired bootstrap over subjects, lies above (below) 0
altogether. Between equals that happens by chance in 2.5 % of the repeats. The bootstrap and the fits are
those of the library.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from rounds import Claim, Row, conclude, parser_of
from selfsame.matching.score_fusion.best_member import MemberDifference, compare_with_best_member
from selfsame.matching.score_fusion.cross_fitting import cross_fit
from selfsame.matching.score_fusion.fitting import FusionSettings, Rule

Floats = NDArray[np.float64]

SETTINGS = FusionSettings(normalisation="z", weights="d_prime", calibration="logistic", prior=0.5, spread=1.0)
EQUAL = SETTINGS.model_copy(update={"weights": "equal"})
TANH = SETTINGS.model_copy(update={"normalisation": "tanh"})
VARIANTS: dict[str, tuple[Rule, FusionSettings]] = {
    "sum, equal weights": ("sum", EQUAL),
    "sum, d-prime": ("sum", SETTINGS),
    "sum, d-prime, tanh": ("sum", TANH),
    "likelihood_ratio": ("likelihood_ratio", SETTINGS),
    "logistic": ("logistic", SETTINGS),
    "quality": ("quality", SETTINGS),
}
SHIPPED = "sum, d-prime"
BY_CHANCE = 0.025
"""How often the interval of the difference to an equal lies above 0 altogether."""

SURPRISE = 0.001
"""Beyond so rare a number of repeats, chance explains it no more."""

CAPTURES = 5
RESAMPLES = 200


@dataclass(frozen=True)
class Modality:
    """How one modality's scores are drawn.

    Attributes:
        distance: between the class means, in standard deviations of the non-mated scores.
        failures: share of the captures of which nothing can be recognised.
        present: share of the captures that have this modality.
        shared: share of the variance that all modalities of a pair of captures have in common.
        skewed: mated scores of a gamma distribution, as counts of matched minutiae are.
        quality: whether the distance grows with the quality of the worse side.
    """

    distance: float
    failures: float = 0.0
    present: float = 1.0
    shared: float = 0.0
    skewed: bool = False
    quality: bool = False


SCENARIOS: dict[str, tuple[Modality, ...]] = {
    "one": (Modality(4.5),),
    "alike": (Modality(4.5), Modality(4.5)),
    "alike, correlated": (Modality(4.5, shared=0.8), Modality(4.5, shared=0.8)),
    "far better": (Modality(5.5), Modality(2.0)),
    "far better, correlated": (Modality(5.5, shared=0.2), Modality(2.0, shared=0.2)),
    "far better, redundant": (Modality(5.5, shared=0.8), Modality(2.0, shared=0.8)),
    "useless": (Modality(4.5), Modality(0.0)),
    "two useless": (Modality(4.5), Modality(0.0), Modality(0.0)),
    "half": (Modality(4.5), Modality(3.0, present=0.7)),
    "good half": (Modality(3.0), Modality(5.5, present=0.7)),
    "failures": (Modality(7.0, failures=0.01), Modality(7.0, failures=0.01), Modality(3.5)),
    "failures, useless": (Modality(7.0, failures=0.01), Modality(0.0)),
    "skewed": (Modality(7.0, skewed=True), Modality(4.0, failures=0.01)),
    "quality": (Modality(3.5, quality=True), Modality(2.5, quality=True)),
    "separable": (Modality(12.0), Modality(2.0)),
}


@dataclass(frozen=True)
class Trials:
    """Every capture of every subject compared with every other once."""

    scores: Floats
    qualities: Floats
    probes: NDArray[np.str_]
    references: NDArray[np.str_]


def draw_trials(
    modalities: tuple[Modality, ...], subjects: int, rng: np.random.Generator, most: int = 15_000
) -> Trials:
    """Draw scores; of the non-mated pairs at most `most`, of the mated all."""
    owner = np.repeat(np.arange(subjects), CAPTURES)
    left, right = np.triu_indices(len(owner), 1)
    mated = owner[left] == owner[right]
    strangers = np.flatnonzero(~mated)
    kept = np.concatenate([np.flatnonzero(mated), rng.permutation(strangers)[:most]])
    left, right, mated = left[kept], right[kept], mated[kept]
    common = rng.normal(size=len(mated))
    columns, qualities = [], []
    for one in modalities:
        quality = rng.beta(4, 2, size=len(owner))
        pair = np.minimum(quality[left], quality[right])
        trait = rng.normal(scale=0.4, size=subjects)
        noise = np.sqrt(one.shared) * common + np.sqrt(1.0 - one.shared) * rng.normal(size=len(mated))
        distance = one.distance * (0.3 + 1.2 * pair) if one.quality else np.full(len(mated), one.distance)
        own = rng.gamma(2.5, distance / 2.5) if one.skewed else distance + noise
        if one.distance > 0:
            own = own + trait[owner[left]]
        failed = rng.random(len(owner)) < one.failures
        recognised = mated & ~failed[left] & ~failed[right]
        lacking = rng.random(len(owner)) >= one.present
        score = np.where(recognised, own, noise)
        columns.append(np.where(lacking[left] | lacking[right], np.nan, score))
        qualities.append(pair)
    names = np.char.add("s", owner.astype(str))
    return Trials(np.column_stack(columns), np.column_stack(qualities), names[left], names[right])


def fuse(trials: Trials, variant: tuple[Rule, FusionSettings], seed: int) -> Floats:
    rule, settings = variant
    return cross_fit(
        rule,
        trials.scores,
        trials.probes == trials.references,
        trials.probes,
        trials.references,
        groups=5,
        seed=seed,
        settings=settings,
        qualities=trials.qualities,
    )


def verdict(trials: Trials, fused: Floats, seed: int) -> MemberDifference:
    members = {f"{i}": trials.scores[:, i] for i in range(trials.scores.shape[1])}
    return compare_with_best_member(
        fused, members, trials.probes, trials.references,
        resamples=RESAMPLES, rng=np.random.default_rng(seed),
    )  # fmt: skip


def share(verdicts: list[MemberDifference], what: Callable[[MemberDifference], float]) -> float:
    return float(np.mean([what(one) for one in verdicts]))


def main() -> int:
    asked = parse_arguments()
    table: dict[str, Row] = {}
    claims = []
    for name in asked.scenarios:
        for subjects in asked.subjects:
            for label, row in measure(name, subjects, asked.repeats):
                where = f"{name}, {subjects} subjects"
                table[f"{where}: {label}"] = row
                print(f"{where}: {label}", file=sys.stderr)
                if label == SHIPPED:
                    claims.append(judge(where, row, asked.repeats))
    return conclude("score_fusion", table, claims, asked)


def parse_arguments() -> argparse.Namespace:
    parser = parser_of(__doc__, rounds=1)
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--subjects", type=int, nargs="+", default=[45, 200])
    parser.add_argument("--scenarios", nargs="+", default=list(SCENARIOS), choices=list(SCENARIOS))
    asked = parser.parse_args()
    if asked.short:
        asked.repeats, asked.subjects, asked.scenarios = 2, [20], ["useless"]
    return asked


def judge(where: str, row: Row, repeats: int) -> Claim:
    """Tell whether the shipped rule is worse more often than chance explains."""
    worse, most = float(row["EER worse"]), binom.isf(SURPRISE, repeats, BY_CHANCE) / repeats
    return Claim(
        f"share of repeats where {SHIPPED} is worse, {where} (at most {most:g})", worse, worse <= most
    )


def measure(name: str, subjects: int, repeats: int) -> Iterator[tuple[str, Row]]:
    """Fuse by every rule: the error rates of the best member and of the fusion, and how often it is worse."""
    drawn = [draw_trials(SCENARIOS[name], subjects, np.random.default_rng(i)) for i in range(repeats)]
    for label, variant in VARIANTS.items():
        started = time.perf_counter()
        fused = [fuse(trials, variant, i) for i, trials in enumerate(drawn)]
        cost = (time.perf_counter() - started) / repeats
        found = [verdict(*one, i) for i, one in enumerate(zip(drawn, fused, strict=True))]
        yield (
            label,
            {
                "EER best": share(found, lambda one: one.member_rate),
                "EER fused": share(found, lambda one: one.fused_rate),
                "EER worse": share(found, lambda one: one.is_worse),
                "EER better": share(found, lambda one: one.interval[1] < 0),
                "s a fit": cost,
            },
        )


if __name__ == "__main__":
    sys.exit(main())
