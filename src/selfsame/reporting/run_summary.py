"""What a run achieved, in a few lines of text."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from selfsame.reporting.results import Identification, Metrics, Verification

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
    if f"{workload}.prediction_summary" in made:
        yield _predictions(load(f"{workload}.prediction_summary"))


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


def _rates(metrics: Metrics) -> Iterator[str]:
    yield _line("protocol", f"{metrics.protocol.kind}, {metrics.protocol.subjects} subjects")
    for name, verification in metrics.verification.items():
        yield _line("verification", f"{name}: {_verification(verification)}")
    for name, identification in metrics.identification.items():
        yield _line("identification", f"{name}: {_identification(identification)}")
    for name, figure in metrics.left_out.items():
        yield _line("left out", f"{name}: {figure.reason}")


def _verification(result: Verification) -> str:
    low, high = result.eer_interval
    return (
        f"EER {result.eer:.2%} [{low:.2%}, {high:.2%}], {result.mated} mated and {result.non_mated} "
        "non-mated comparisons"
    )


def _identification(result: Identification) -> str:
    low, high = result.rank_1_interval
    return (
        f"rank-1 {result.rank_1:.2%} [{low:.2%}, {high:.2%}], {result.probes} probes, "
        f"{result.enrolled} enrolled"
    )


def _predictions(summary: Mapping[str, object]) -> str:
    counts = summary["by_status"]
    if not isinstance(counts, Mapping):
        raise TypeError(f"expected counts by status, got {type(counts).__name__}")
    return _line("predictions", ", ".join(f"{number} {status}" for status, number in counts.items()))


def _line(topic: str, text: str) -> str:
    return f"  {topic:<15}{text}"
