"""Failures to acquire counted into the error rates of mated comparisons.

FNMR is of comparisons that took place. Whoever presents a finger that cannot be read is turned away all the
same: counted by attempts, a comparison that a failure prevented is a rejection. Source: ISO/IEC 19795-1:
FRR = FTA + (1 - FTA) FNMR, here with the share of the comparisons that failures prevented in place of FTA.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfsame.metrics.intervals import rate_interval


@dataclass(frozen=True)
class Prevented:
    """The share of the mated comparisons that failures to acquire prevented.

    Attributes:
        share: of all that were attempted, in [0, 1].
        resampled: (resamples,) the same in every resample of the subjects; NaN where it holds none.
        subjects: how many subjects attempted any.
    """

    share: float
    resampled: NDArray[np.float64]
    subjects: int

    def count_as_errors(
        self, fnmr: float, resampled: NDArray[np.float64]
    ) -> tuple[float, tuple[float, float]]:
        """Turn an FNMR of scores into one of attempts, with its interval.

        Args:
            fnmr: share of the comparisons that took place that are rejected.
            resampled: (resamples,) the same in every resample of the subjects.
        """
        rate = min(1.0, self.share + (1.0 - self.share) * fnmr)
        rates = np.where(self.resampled == 1.0, 1.0, self.resampled + (1.0 - self.resampled) * resampled)
        return rate, rate_interval(rate, rates, self.subjects)


def count_prevented(
    attempted: NDArray[np.float64], failed: NDArray[np.float64], multiplicities: NDArray[np.float64]
) -> Prevented:
    """Count the share of the mated comparisons that failures prevented, in every resample, too.

    Args:
        attempted: (subjects,) mated comparisons of each; at least one in all.
        failed: (subjects,) of these those that a failure prevented.
        multiplicities: (subjects, resamples) from `draw_multiplicities`.

    >>> count_prevented(np.array([3.0, 1.0]), np.array([0.0, 1.0]), np.array([[1.0, 0.0], [1.0, 2.0]]))
    Prevented(share=0.25, resampled=array([0.25, 1.  ]), subjects=2)
    """
    tried = attempted @ multiplicities
    shares = np.divide(failed @ multiplicities, tried, out=np.full_like(tried, np.nan), where=tried > 0)
    return Prevented(float(failed.sum() / attempted.sum()), shares, int(np.count_nonzero(attempted)))
