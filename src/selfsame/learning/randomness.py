"""Seeds that follow from other numbers, and a setting in which the same seed gives the same bits."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def derive_seed(*numbers: int) -> int:
    """Derive a seed in [0, 2**63) from numbers: the same ones give the same seed, others another.

    >>> derive_seed(1, 2) == derive_seed(1, 2), derive_seed(1, 2) == derive_seed(2, 1)
    (True, False)
    """
    digest = hashlib.sha256(",".join(map(str, numbers)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


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
