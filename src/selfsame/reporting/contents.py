"""What the report has to say of a run: its sections, and the results grouped as they are shown."""

from collections.abc import Callable, Collection, Hashable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

from selfsame.evaluation.results import Differential, Metrics, Outcome, WorstComparison
from selfsame.protocols.names import Kind

T = TypeVar("T")
Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True)
class Contents:
    """The results of a run, grouped as the report shows them.

    Attributes:
        fmrs: the false match rates at which any outcome states FNMR, largest first.
        fpirs: the same of FNIR.
        headline: what inference would do, by protocol.
        outcomes: everything that was measured, by protocol and figure.
        worst: the worst comparisons by (protocol, figure, comparator).
        spreads: the differentials that could be said.
        refusals: why others could not: the (protocol, figure, comparator) by column and reason.
    """

    fmrs: list[str]
    fpirs: list[str]
    headline: dict[Kind, list[Outcome]]
    outcomes: dict[Kind, dict[str, list[Outcome]]]
    worst: dict[tuple[str, str, str], list[WorstComparison]]
    spreads: list[Differential]
    refusals: dict[tuple[str, str], list[Differential]]

    @property
    def unsupported_fmr(self) -> bool:
        """Whether the headline has an FNMR at an FMR that the subjects are too few to show."""
        points = [point for one in self._shown() for point in one.verification.fnmr_at_fmr.values()]
        return not all(point.fmr_supported for point in points)

    @property
    def unsupported_fpir(self) -> bool:
        """Whether the headline has an FNIR at an FPIR that the subjects are too few to show."""
        found = [one.open_set for one in self._shown() if one.open_set is not None]
        return not all(point.fpir_supported for one in found for point in one.fnir_at_fpir.values())

    def _shown(self) -> list[Outcome]:
        return list(chain.from_iterable(self.headline.values()))


def list_contents(metrics: Metrics) -> Contents:
    """Group the results of a run."""
    by_kind = {kind: [one for one in metrics.outcomes if one.protocol == kind] for kind in metrics.protocols}
    refused = [one for one in metrics.differentials if one.refused is not None]
    return Contents(
        fmrs=_rates(one.verification.fnmr_at_fmr for one in metrics.outcomes),
        fpirs=_rates(one.open_set.fnir_at_fpir for one in metrics.outcomes if one.open_set is not None),
        headline={kind: found for kind in metrics.protocols if (found := metrics.headline(kind))},
        outcomes={kind: group(rows, lambda one: one.figure) for kind, rows in by_kind.items() if rows},
        worst=group(metrics.worst, lambda one: (one.protocol, one.figure, one.comparator)),
        spreads=[one for one in metrics.differentials if one.refused is None],
        refusals=group(refused, lambda one: (one.column, one.refused or "")),
    )


def group(items: Iterable[T], name: Callable[[T], Name]) -> dict[Name, list[T]]:
    """Group items by a name, keeping the order in which they come."""
    groups: dict[Name, list[T]] = {}
    for item in items:
        groups.setdefault(name(item), []).append(item)
    return groups


def _rates(stated: Iterable[Collection[str]]) -> list[str]:
    return sorted({rate for rates in stated for rate in rates}, key=float, reverse=True)


@dataclass(frozen=True)
class Section:
    """One part of the page: the name of its template, its title, its plots, and whether a run has it."""

    name: str
    title: str
    is_shown: Callable[[Metrics, Collection[str]], object]
    plots: tuple[str, ...] = ()


SECTIONS = (
    Section("evaluated", "What was evaluated", lambda metrics, plots: True),
    Section(
        "headline",
        "Headline",
        lambda metrics, plots: any(map(metrics.headline, metrics.protocols)),
        ("headline",),
    ),
    Section("failures", "Failures and figures left out", lambda metrics, plots: True),
    Section("comparators", "All comparators and fusion rules", lambda metrics, plots: True),
    Section(
        "error_curves", "Error curves", lambda metrics, plots: {"det", "roc"} & set(plots), ("det", "roc")
    ),
    Section(
        "search",
        "Search: cumulative match and open set",
        lambda metrics, plots: _searches(metrics) and {"cmc", "open_set"} & set(plots),
        ("cmc", "open_set"),
    ),
    Section("subsets", "Is fusing worth it?", lambda metrics, plots: metrics.subsets),
    Section(
        "scores",
        "Scores and calibration",
        lambda metrics, plots: "score_histograms" in plots or _calibrated(metrics),
        ("score_histograms",),
    ),
    Section(
        "quality",
        "Quality: error versus discard",
        lambda metrics, plots: metrics.discards,
        ("error_versus_discard",),
    ),
    Section("differentials", "Differences between groups", lambda metrics, plots: metrics.differentials),
    Section("worst", "The worst comparisons", lambda metrics, plots: metrics.worst),
    Section(
        "classification",
        "Naming by the classifier",
        lambda metrics, plots: metrics.classification,
        ("confusion",),
    ),
    Section("training", "Training", lambda metrics, plots: "history" in plots, ("history",)),
    Section("repeat", "How to repeat it", lambda metrics, plots: True),
    Section("glossary", "What the words mean", lambda metrics, plots: True),
)
"""In the order of the page."""


def list_sections(metrics: Metrics, plots: Collection[str]) -> list[Section]:
    """List the sections for which a run has something to show."""
    return [section for section in SECTIONS if section.is_shown(metrics, plots)]


def has_plot(metrics: Metrics, name: str) -> bool:
    """Tell whether a plot of the run shows anything but that it has nothing to show."""
    if name == "open_set":
        return any(one.open_set is not None for one in metrics.outcomes)
    if name == "cmc":
        return any(one.identification is not None for one in metrics.outcomes)
    return True


def _searches(metrics: Metrics) -> bool:
    return has_plot(metrics, "cmc") or has_plot(metrics, "open_set")


def _calibrated(metrics: Metrics) -> bool:
    return any(one.calibration is not None for kind in metrics.protocols for one in metrics.headline(kind))
