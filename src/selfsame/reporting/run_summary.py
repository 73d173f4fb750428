"""What a run achieved, in a few lines of text."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from pydantic import BaseModel

from selfsame.benchmarking.advice import (
    Benchmark,
    describe_disturbance,
    describe_loading,
    describe_preprocessing,
    list_settings,
)
from selfsame.evaluation.results import LeftOut, Metrics, Outcome, Protocol, Setting
from selfsame.protocols.names import Kind
from selfsame.reporting.wording import count, limit, number_of, percent, readable, share


class MeanAccuracy(BaseModel):
    """What is shown of a mean over splits, see `learning.estimators.measuring.Mean`."""

    mean: float
    low: float | None
    high: float | None
    splits: int


class EstimatorAccuracy(BaseModel):
    """What is shown of an estimator."""

    estimator: str
    accuracy: MeanAccuracy


class Predictions(BaseModel):
    """How many rows each status has in the table of predictions, and how many files these are about."""

    by_status: dict[str, int]
    files_by_status: dict[str, int]


class EstimatorAccuracies(BaseModel):
    """What is shown of `learning.estimators.measuring.Summary`."""

    estimators: list[EstimatorAccuracy]


ASIDE = {"enrolled": ("reference", "set aside"), "rejected": ("file", "rejected")}
"""What is counted, and said, of the statuses of predictions that are about no presentation."""

Load = Callable[[str], Mapping[str, object]]


def summarise_run(
    workload: str, modalities: Sequence[str], made: Collection[str], load: Load
) -> Iterator[str]:
    """Yield the lines of the summary: of each stage, where this run made its result.

    Args:
        workload: the namespace of the results.
        modalities: the workload's modalities.
        made: names of the datasets that the run made.
        load: reads a small JSON result by its name.
    """
    if f"{workload}.capture_summary" in made:
        yield _captures(load(f"{workload}.capture_summary"))
    for modality in modalities:
        if f"{workload}.{modality}.timings" in made:
            yield _arrays(modality, load(f"{workload}.{modality}.timings"))
    if f"{workload}.training_summary" in made:
        yield _training(load(f"{workload}.training_summary"))
    if f"{workload}.metrics" in made:
        yield from _rates(Metrics.model_validate(load(f"{workload}.metrics")))
    if f"{workload}.estimator_summary" in made:
        yield from _estimators(load(f"{workload}.estimator_summary"))
    if f"{workload}.prediction_summary" in made:
        yield _predictions(load(f"{workload}.prediction_summary"))
    if f"{workload}.benchmark" in made:
        yield from _speeds(workload, Benchmark.model_validate(load(f"{workload}.benchmark")))


def _captures(summary: Mapping[str, object]) -> str:
    return _line(
        "captures",
        f"{summary['accepted']} accepted of {summary['subjects']} subjects, "
        f"{summary['rejected']} files rejected",
    )


def _arrays(modality: str, timings: Mapping[str, object]) -> str:
    return _line(
        "arrays",
        f"{modality}: {timings['impressions']} images, {timings['failed']} failed to acquire, "
        f"{timings['images_per_second']:.0f} images/s a worker",
    )


def _training(summary: Mapping[str, object]) -> str:
    best = summary["best_epoch"]  # null where nothing was validated
    return _line(
        "training",
        f"{summary['epochs']} epochs in {summary['seconds']:.0f} s on {summary['device']}, "
        f"{'' if best is None else f'best epoch {best}, '}{summary['training_subjects']} subjects",
    )


def _speeds(workload: str, benchmark: Benchmark) -> Iterator[str]:
    """Say how the captures are preprocessed soonest and how batches come soonest, and what to set for it."""
    for one in benchmark.preprocessing:
        yield _line("preprocessing", describe_preprocessing(one))
    if benchmark.loading is not None:
        yield _line("loading", describe_loading(benchmark.loading))
    if disturbed := describe_disturbance(benchmark):
        yield _line("busy machine", disturbed)
    if settings := ",".join(list_settings(benchmark, workload)):
        yield _line("advice", f"--params={settings}")


def _rates(metrics: Metrics) -> Iterator[str]:
    """Say what is compared how, then under each protocol what inference would do, a line a figure."""
    yield _line("comparators", _chosen(metrics.setting))
    shown = _shorten({one.figure: len(one.modalities) for one in metrics.outcomes})
    for kind, protocol in metrics.protocols.items():
        yield _line("protocol", f"{kind}: {_who(protocol)}")
        outcomes = [one for one in metrics.headline(kind) if one.figure in shown]
        rows = [[one.figure, *_outcome(one)] for one in outcomes]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True) if width]
            yield f"    {'  '.join(cells).rstrip()}"
    for (kind, reason), names in _group_left_out(metrics.left_out).items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield _line("left out", f"{names[0]}{more}, {readable(kind)}: {reason}")


def _group_left_out(left_out: Sequence[LeftOut]) -> dict[tuple[Kind, str], list[str]]:
    """Name what was left out of a protocol for the same reason together."""
    groups: dict[tuple[Kind, str], list[str]] = {}
    for one in left_out:
        groups.setdefault((one.protocol, one.reason), []).append(f"{one.figure} ({one.comparator})")
    return groups


def _shorten(sizes: Mapping[str, int]) -> set[str]:
    """Choose the figures of one modality, `irises` and `all`; the report has every set of modalities."""
    return {figure for figure, size in sizes.items() if size == 1 or figure in ("irises", "all")}


def _chosen(setting: Setting) -> str:
    by_name: dict[str, list[str]] = {}
    for modality, comparator in setting.chosen.items():
        by_name.setdefault(comparator, []).append(modality)
    chosen = "; ".join(f"{', '.join(names)}: {comparator}" for comparator, names in by_name.items())
    return f"{chosen}; fused by {setting.fusion}" if len(setting.modalities) > 1 else chosen


def _who(protocol: Protocol) -> str:
    folds = f", {protocol.folds} folds" if protocol.folds > 1 else ""
    strangers = f", {protocol.unenrolled_subjects} not enrolled" if protocol.unenrolled_subjects else ""
    return f"{protocol.subjects} subjects{strangers}{folds}"


def _outcome(outcome: Outcome) -> tuple[str, str, str, str]:
    """Write EER, rank-1, FNIR at the lowest FPIR, and counts; empty where the protocol has no such thing."""
    verification, identification, open_set = outcome.verification, outcome.identification, outcome.open_set
    found = lost = ""
    if identification is not None:
        found = f"rank-1 {percent(identification.rank_1)}"
    if open_set is not None and open_set.fnir_at_fpir:
        fpir = min(open_set.fnir_at_fpir, key=float)
        point = open_set.fnir_at_fpir[fpir]
        lost = f"FNIR {percent(point.fnir)} at FPIR {limit(fpir)}"
    low, high = verification.eer_interval
    return (
        f"EER {percent(verification.eer)} [{share(low)}, {share(high)}]",
        found,
        lost,
        f"{count(verification.mated)} mated, {count(verification.non_mated)} non-mated",
    )


def _estimators(summary: Mapping[str, object]) -> Iterator[str]:
    """Say how often each estimator names the right person, with the interval over the splits."""
    for one in EstimatorAccuracies.model_validate(summary).estimators:
        found = one.accuracy
        within = ""
        if found.low is not None and found.high is not None:
            within = f" [{share(max(0.0, found.low))}, {share(min(1.0, found.high))}]"
        over = number_of(found.splits, "random split")
        yield _line("estimator", f"{one.estimator}: accuracy {percent(found.mean)}{within}, {over}")


def _predictions(summary: Mapping[str, object]) -> str:
    """Say what came of the presentations, then how many files were no part of one: together, all files."""
    found = Predictions.model_validate(summary)
    rows, files = found.by_status, found.files_by_status
    answered = {status: number for status, number in rows.items() if status not in ASIDE}
    named = answered.pop("identified", 0)
    shown = number_of(named + sum(answered.values()), "presentation")
    captures = number_of(sum(files.values()) - sum(files.get(status, 0) for status in ASIDE), "capture")
    others = "".join(f", {count(number)} {status}" for status, number in answered.items())
    aside = [
        f"; {number_of(files[status], what)} {said}"
        for status, (what, said) in ASIDE.items()
        if status in files
    ]
    return _line("predictions", f"{count(named)} of {shown} ({captures}) identified{others}{''.join(aside)}")


def _line(topic: str, text: str) -> str:
    return f"  {topic:<15}{text}"
