"""Seeds that follow from other numbers, and a setting in which the same seed gives the same bits."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor


def derive_seed(*numbers: int) -> int:
    """Derive a seed in [0, 2**63) from numbers: the same ones give the same seed, others another.

    >>> derive_seed(1, 2) == derive_seed(1, 2), derive_seed(1, 2) == derive_seed(2, 1)
    (True, False)
    """
    digest = hashlib.sha256(",".join(map(str, numbers)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


@dataclass(frozen=True)
class Draws:
    """Random numbers for some of the items of a batch, which do not depend on which these are.

    Numbers are drawn for all items, and those of the wanted ones are kept.

    Attributes:
        generator: the only source of randomness.
        count: how many items the batch has.
        own: (k,) int64, which of them are wanted, in this order; None: all.
    """

    generator: Generator
    count: int
    own: NDArray[np.int64] | None = None

    def uniform(self, *shape: int) -> Tensor:
        """Draw from [0, 1), (k, *shape) float32."""
        place = self.generator.device
        return self._keep(torch.rand((self.count, *shape), generator=self.generator, device=place))

    def symmetric(self, *shape: int) -> Tensor:
        """Draw uniformly from [-1, 1), (k, *shape) float32."""
        return self.uniform(*shape) * 2 - 1

    def normal(self, *shape: int) -> Tensor:
        """Draw from the standard normal distribution, (k, *shape) float32."""
        place = self.generator.device
        return self._keep(torch.randn((self.count, *shape), generator=self.generator, device=place))

    def _keep(self, drawn: Tensor) -> Tensor:
        return drawn if self.own is None else drawn[torch.from_numpy(self.own).to(drawn.device)]


@contextmanager
def reproducible(seed: int, *, threads: int, deterministic: bool) -> Iterator[None]:
    """Seed torch and fix its threads and algorithms; put everything back afterwards.

    Args:
        seed: of torch's global generator.
        threads: of the processor; sums are split by them, so other threads give other last bits.
        deterministic: whether to refuse algorithms whose result varies.
    """
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic)
        try:
            yield
        finally:
            torch.set_num_threads(before[0])
            torch.use_deterministic_algorithms(before[1])
