"""Typed parameters of the benchmark; their values are in parameters_benchmark.yml."""

from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from selfsame.parallel.backends import Backend
from selfsame.parameters import Settings

Some = Field(min_length=1)


class PreprocessingDesigns(Settings):
    """Which backends are compared, on how many captures."""

    captures: PositiveInt  # of each modality, at most
    backends: Annotated[tuple[Backend, ...], Some]
    workers: Annotated[tuple[PositiveInt, ...], Some] | None  # None: 1, 2, 4 ... and every core


class LoadingDesigns(Settings):
    """Which sizes of batches are compared, on how many presentations."""

    presentations: PositiveInt  # at most
    batch_sizes: Annotated[tuple[PositiveInt, ...], Some]
    prefetch: Annotated[tuple[PositiveInt, ...], Some]  # batches gathered ahead
    file_workers: tuple[NonNegativeInt, ...]  # of a DataLoader of one file an image; empty: not compared


class BenchmarkParameters(Settings):
    """What is compared, and for how long."""

    rounds: PositiveInt
    design_s: PositiveFloat  # of each design in each round
    preprocessing: PreprocessingDesigns
    loading: LoadingDesigns

    def list_workers(self, cores: int) -> list[int]:
        """List the numbers of workers: those asked for, or the powers of two and all cores."""
        if self.preprocessing.workers is not None:
            return sorted(set(self.preprocessing.workers))
        return sorted({*(2**n for n in range(cores.bit_length()) if 2**n <= cores), cores})
