"""What follows from the speeds: which backend, how many workers, which batch size."""

from collections.abc import Iterable
from typing import get_args

import pandas as pd
from pydantic import BaseModel, ConfigDict

from selfsame.benchmarking.machine import describe_machine
from selfsame.parallel.backends import Backend

ALIKE = 0.05
"""A share by which runs of one design differ on a quiet machine: what is nearer than this is no slower."""

IDLE = 0.8
"""A share of a core's time under which other programs disturb what is measured."""

SIMPLEST: tuple[Backend, ...] = get_args(Backend)
"""The backends in the order in which one of several that are alike is chosen."""


class Making(BaseModel):
    """One backend with its workers, and what they reach.

    Attributes:
        backend: where the work is done.
        workers: how many there are.
        images_per_s: once they have started.
        of_floor: the same of a worker, as a share of plain decoding and normalising in memory.
        start_s: seconds that they need to start.
        whole_s: seconds that the whole set takes, the start included.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    backend: str
    workers: int
    images_per_s: float
    of_floor: float
    start_s: float
    whole_s: float


class PreprocessingAdvice(BaseModel):
    """How the captures of one modality are made into rows soonest.

    Attributes:
        modality: whose.
        captures: in the whole set.
        advised: the simplest of those that are as good as the best.
        configured: what is set now; None where it was not measured.
        core_share: of a core's time, what the floor got; well below 1 where other programs were at work.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    modality: str
    captures: int
    advised: Making
    configured: Making | None
    core_share: float


class LoadingAdvice(BaseModel):
    """How batches come soonest.

    Attributes:
        batch_size: presentations a batch: the least of those that are as good as the best.
        prefetch: batches gathered ahead: likewise.
        samples_per_s: presentations a second.
        of_memcpy: the same, as a share of a plain copy.
        times_file_per_image: the same, as a multiple of the best DataLoader of files; None: not measured.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch_size: int
    prefetch: int
    samples_per_s: float
    of_memcpy: float
    times_file_per_image: float | None


class Benchmark(BaseModel):
    """What a machine reached with the captures at hand, and what to set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    machine: dict[str, str | int]
    preprocessing: tuple[PreprocessingAdvice, ...]
    loading: LoadingAdvice | None


def summarise_speeds(preprocessing: Iterable[pd.DataFrame], loading: pd.DataFrame | None) -> Benchmark:
    """Say on which machine the speeds were measured and what follows from them.

    Args:
        preprocessing: of each modality, see `advise_backend`.
        loading: see `advise_batches`; None where it was not timed.
    """
    return Benchmark(
        machine=describe_machine(),
        preprocessing=tuple(map(advise_backend, preprocessing)),
        loading=None if loading is None else advise_batches(loading),
    )


def advise_backend(speeds: pd.DataFrame) -> PreprocessingAdvice:
    """Choose the backend that is soonest through with the whole set, the start of its workers included.

    Args:
        speeds: of one modality, from `time_preprocessing`, with the columns `modality` and `captures`.
    """
    makings = {n: _read_making(speeds.loc[n]) for n in speeds.index if speeds.loc[n, "backend"] in SIMPLEST}
    useful = [one for one in makings.values() if one.backend == "sequential" or one.workers > 1]
    candidates = useful or list(makings.values())  # one worker elsewhere does no more than this process
    best = min(one.whole_s for one in candidates)
    alike = [one for one in candidates if one.whole_s <= best * (1 + ALIKE)]
    floor = speeds[speeds["backend"] == "floor"].iloc[0]
    now = [one for n, one in makings.items() if speeds.loc[n, "configured"]]
    return PreprocessingAdvice(
        modality=str(speeds["modality"].iloc[0]),
        captures=int(speeds["captures"].iloc[0]),
        advised=min(alike, key=lambda one: (one.workers, SIMPLEST.index(one.backend))),
        configured=now[0] if now else None,
        core_share=float(floor["images_per_s"] * floor["processor_ms"] / 1000),
    )


def advise_batches(speeds: pd.DataFrame) -> LoadingAdvice:
    """Choose the smallest batch and the fewest batches ahead that are as fast as any.

    Args:
        speeds: from `time_loading`.
    """
    own = speeds[speeds["design"] == "batch_loader"]
    alike = own[own["samples_per_s"] >= own["samples_per_s"].max() * (1 - ALIKE)]
    chosen = alike.sort_values(["batch_size", "prefetch"]).iloc[0]
    files = speeds.loc[speeds["design"] == "file_per_image", "samples_per_s"]
    return LoadingAdvice(
        batch_size=int(chosen["batch_size"]),
        prefetch=int(chosen["prefetch"]),
        samples_per_s=float(chosen["samples_per_s"]),
        of_memcpy=float(chosen["of_memcpy"]),
        times_file_per_image=float(chosen["samples_per_s"] / files.max()) if len(files) else None,
    )


def describe_preprocessing(advice: PreprocessingAdvice) -> str:
    """Say in a line what was found for a modality."""
    now, best = advice.configured, advice.advised
    said = f"{advice.modality}: {_describe(best)} for {advice.captures} captures"
    if now is not None and (now.backend, now.workers) == (best.backend, best.workers):
        return f"{said}, as it is set"
    return said if now is None else f"{said}; as it is set ({_describe(now)})"


def describe_loading(advice: LoadingAdvice) -> str:
    """Say in a line what was found for batches (of training.batch_size, which changes what is learnt)."""
    files = advice.times_file_per_image
    beside = "" if files is None else f", {files:.0f} times one file an image"
    return (
        f"batches of {advice.batch_size}, {advice.prefetch} ahead: {advice.samples_per_s:,.0f} samples/s, "
        f"{advice.of_memcpy:.2f} of memcpy{beside}"
    )


def describe_disturbance(benchmark: Benchmark) -> str:
    """Say that other programs were at work; nothing where the machine was idle."""
    share = min((one.core_share for one in benchmark.preprocessing), default=1.0)
    if share >= IDLE:
        return ""
    return f"other programs left this one {share:.0%} of a core: run it again when the machine is idle"


def list_settings(benchmark: Benchmark, workload: str) -> Iterable[str]:
    """List what to give to --params so that the advice on preprocessing is followed, where it is not yet."""
    for one in benchmark.preprocessing:
        now, best = one.configured, one.advised
        block = f"{workload}.{one.modality}.preprocessing"
        if now is None or now.backend != best.backend:
            yield f"{block}.backend={best.backend}"
        if best.backend != "sequential" and (now is None or now.workers != best.workers):
            yield f"{block}.workers={best.workers}"


def _read_making(row: "pd.Series[float]") -> Making:
    return Making.model_validate({name: row[name] for name in Making.model_fields})


def _describe(one: Making) -> str:
    workers = "" if one.backend == "sequential" else f", {one.workers} worker{'s' * (one.workers > 1)}"
    return f"{one.backend}{workers}: {one.whole_s:.1f} s, {one.images_per_s:,.0f} images/s"
