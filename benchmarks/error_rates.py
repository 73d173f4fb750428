"""Error rates by their definition, apart from the library's own: for benchmarks that compare scores."""

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating]


def find_eer(mated: Scores, non_mated: Scores) -> float:
    """Find the equal error rate: FMR and FNMR interpolated between the two thresholds where they cross."""
    steps = np.unique(np.concatenate([mated, non_mated, [np.inf]]))
    fnmr = np.searchsorted(np.sort(mated), steps, "left") / len(mated)
    fmr = 1 - np.searchsorted(np.sort(non_mated), steps, "left") / len(non_mated)
    after = int(np.argmax(fnmr >= fmr))
    gaps = fmr - fnmr
    share = gaps[after - 1] / (gaps[after - 1] - gaps[after]) if after else 0.0
    return float(fnmr[after - 1] + share * (fnmr[after] - fnmr[after - 1]) if after else fnmr[0])


def find_fnmr(mated: Scores, non_mated: Scores, fmr: float) -> float:
    """Find the FNMR at the least threshold whose FMR is at most `fmr`."""
    allowed = int(fmr * len(non_mated))
    barrier = np.sort(non_mated)[::-1][allowed]
    return float((mated <= barrier).mean())
