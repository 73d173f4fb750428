"""The outcome of many one-to-one comparisons: what every verification rate is computed from."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from selfsame.errors import InputError
from selfsame.metrics.intervals import RULE_OF_THREE


@dataclass(frozen=True)
class Comparisons:
    """Scores of mated and non-mated comparisons and the subjects on both sides.

    Attributes:
        scores: (n,) similarity, higher is more alike; finite.
        probe_subjects: (n,) whose capture was presented.
        reference_subjects: (n,) whose reference it was compared with.
    """

    scores: NDArray[np.float64]
    probe_subjects: NDArray[np.str_]
    reference_subjects: NDArray[np.str_]

    def __post_init__(self) -> None:
        if not len(self.scores) == len(self.probe_subjects) == len(self.reference_subjects):
            raise ValueError(
                f"expected one probe and one reference subject per score, got {len(self.scores)} scores, "
                f"{len(self.probe_subjects)} and {len(self.reference_subjects)} subjects"
            )
        unusable = int(np.count_nonzero(~np.isfinite(self.scores)))
        if unusable:
            raise ValueError(f"expected finite scores, got {unusable} NaN or infinite of {len(self.scores)}")
        if not self.mated.any() or self.mated.all():
            raise InputError(
                f"expected mated and non-mated comparisons, got {int(self.mated.sum())} mated of "
                f"{len(self.scores)}: error rates need at least two subjects that have references and probes"
            )

    @cached_property
    def mated(self) -> NDArray[np.bool_]:
        """(n,) whether both sides are the same subject."""
        return np.asarray(self.probe_subjects == self.reference_subjects)

    @cached_property
    def subjects(self) -> NDArray[np.str_]:
        """(s,) every subject on either side, sorted."""
        return np.unique(np.concatenate([self.probe_subjects, self.reference_subjects]))

    @cached_property
    def probe_codes(self) -> NDArray[np.int64]:
        """(n,) position of each probe's subject in `subjects`."""
        return np.searchsorted(self.subjects, self.probe_subjects)

    @cached_property
    def reference_codes(self) -> NDArray[np.int64]:
        """(n,) position of each reference's subject in `subjects`."""
        return np.searchsorted(self.subjects, self.reference_subjects)

    @cached_property
    def steps(self) -> NDArray[np.int64]:
        """(n,) number of each comparison by rising score, the same for neighbours of one kind and for ties.

        Between two mated scores FNMR does not move, so all non-mated scores there lie on one straight line of
        the error curve: merging them changes neither the EER nor the FNMR at any FMR.
        """
        levels, level = np.unique(self.scores, return_inverse=True)
        kind = np.zeros(len(levels), dtype=np.int64)
        kind[level[self.mated]] |= 1
        kind[level[~self.mated]] |= 2
        starts = np.ones(len(levels), dtype=np.int64)
        starts[1:] = (kind[1:] != kind[:-1]) | (kind[1:] == 3)
        return np.asarray((np.cumsum(starts) - 1)[level])

    @cached_property
    def mated_subjects(self) -> int:
        """How many subjects made at least one mated comparison."""
        return len(np.unique(self.probe_codes[self.mated]))

    @property
    def smallest_fmr(self) -> float:
        """The smallest FMR that the data can show, by the rule of three: 3 / pairs of subjects, at most 1."""
        return min(1.0, RULE_OF_THREE / self.non_mated_pairs)

    def supports_fmr(self, fmr: float) -> bool:
        """Tell whether the pairs of subjects suffice to show so low an FMR, by the rule of three."""
        return self.non_mated_pairs * fmr >= RULE_OF_THREE

    @cached_property
    def non_mated_pairs(self) -> int:
        """How many unordered pairs of different subjects were compared: the independent non-mated trials."""
        low = np.minimum(self.probe_codes, self.reference_codes)[~self.mated]
        high = np.maximum(self.probe_codes, self.reference_codes)[~self.mated]
        return len(np.unique(low * len(self.subjects) + high))
