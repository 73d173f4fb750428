"""Scores of pairs of captures: every comparator compares each pair once, whatever protocols it serves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfsame.errors import MismatchError
from selfsame.matching.comparators import Compare
from selfsame.matching.scoring import Score
from selfsame.matching.sharing import share_out
from selfsame.matching.templates import ANY, Captures, name_captures, unpack_templates
from selfsame.parallel.progress import follow

PAIR_COLUMNS = ["comparator", "version", "protocol", "fold", "modality", "first", "second", "score"]

BLOCK = 64
"""Captures that one task compares with all that follow them."""

UNKNOWN = -1
"""The place of a capture that has no scores."""


@dataclass(frozen=True)
class PairScores:
    """The scores of all pairs of n captures by one comparator.

    Attributes:
        names: (n,) of the captures, sorted.
        scores: (n, n) float32, symmetric; NaN where a pair cannot be compared or was not.
    """

    names: NDArray[np.str_]
    scores: NDArray[np.float32]

    def between(self, probes: Captures, references: Captures) -> Score:
        """Give the look-up for the captures of two sides; one that is not known was not acquired."""
        left, right = self._places(probes), self._places(references)

        def look_up(shown: NDArray[np.int64], kept: NDArray[np.int64]) -> NDArray[np.float32]:
            rows, columns = left[shown], right[kept]
            found = np.full((len(rows), len(columns)), np.nan, dtype=np.float32)
            known = np.ix_(rows != UNKNOWN, columns != UNKNOWN)
            found[known] = self.scores[np.ix_(rows[rows != UNKNOWN], columns[columns != UNKNOWN])]
            return found

        return look_up

    def _places(self, captures: Captures) -> NDArray[np.int64]:
        """Find each capture in `names`: (n,) places, or UNKNOWN."""
        return pd.Index(self.names).get_indexer(pd.Index(captures.names)).astype(np.int64)


def compare_templates(table: pd.DataFrame, compare: Compare, *, workers: int) -> pd.DataFrame:
    """Compare every pair of captures of the same instance, once.

    Args:
        table: templates of one modality by one comparator, of one protocol and fold.
        compare: gives the (p, r) scores of (p, ...) with (r, ...) templates.
        workers: processes; 1: none but this, -1: as many as there are cores.

    Returns:
        One row a pair that gave a score, with PAIR_COLUMNS.

    Raises:
        WorkerDiedError: the process that compared some of them has died.
    """
    ordered = table.sort_values(["instance", "capture_id", "impression"], kind="stable")
    names, instances = name_captures(ordered), ordered["instance"].to_numpy(dtype=str)
    tasks = list(_plan_blocks(instances))
    templates = unpack_templates(ordered["template"]) if len(ordered) else np.empty((0, 0))
    kind = {name: table[name].iloc[0] for name in ("comparator", "version", "protocol", "fold", "modality")}
    what = f"{kind['modality']} scores by {kind['comparator']}"
    blocks = share_out(
        (partial(compare, templates[first:last], templates[first:end]) for first, last, end in tasks),
        count=len(tasks),
        workers=workers,
        what=what,
    )
    parts = [
        _tabulate_block(names[first:end], block)
        for (first, _, end), block in zip(tasks, follow(blocks, what, len(tasks), "block"), strict=True)
    ]
    empty = pd.DataFrame({"first": [], "second": [], "score": []})
    pairs = pd.concat(parts, ignore_index=True) if parts else empty.astype({"score": "float32"})
    return pairs.assign(**kind)[PAIR_COLUMNS]


def _plan_blocks(instances: NDArray[np.str_]) -> Iterator[tuple[int, int, int]]:
    """Yield (first, last, end): captures first to last with those from first to the end of the instance."""
    changes = np.flatnonzero(instances[1:] != instances[:-1]) + 1
    bounds = [0, *changes.tolist(), len(instances)]
    for start, end in pairwise(bounds):
        for first in range(start, end, BLOCK):
            yield first, min(first + BLOCK, end), end


def _tabulate_block(names: NDArray[np.str_], scores: NDArray[np.float32]) -> pd.DataFrame:
    """List the pairs above the diagonal that gave a score; the first rows are the columns' first captures."""
    row, column = np.nonzero(np.triu(~np.isnan(scores), k=1))
    return pd.DataFrame({"first": names[row], "second": names[column], "score": scores[row, column]})


def index_untrained(tables: Sequence[pd.DataFrame]) -> dict[tuple[str, str], PairScores]:
    """Index the scores that serve every fold, since no training made them: by modality and comparator.

    Raises:
        MismatchError: two tables have scores of one modality by one comparator.
    """
    return _index([table[table["protocol"] == ANY] for table in tables])


def index_trained(
    tables: Sequence[pd.DataFrame], protocol: str, fold: int
) -> dict[tuple[str, str], PairScores]:
    """Index the scores of what was trained for one fold of a protocol: by modality and comparator.

    Raises:
        MismatchError: two tables have scores of one modality by one comparator.
    """
    return _index([table[(table["protocol"] == protocol) & (table["fold"] == fold)] for table in tables])


def _index(tables: Sequence[pd.DataFrame]) -> dict[tuple[str, str], PairScores]:
    found: dict[tuple[str, str], PairScores] = {}
    for table in tables:
        for (modality, comparator), rows in table.groupby(["modality", "comparator"], sort=False):
            if (modality, comparator) in found:
                raise MismatchError(
                    f"expected one set of {comparator} scores of {modality}, got two: name comparators apart"
                )
            found[str(modality), str(comparator)] = index_pairs(rows)
    return found


def index_pairs(rows: pd.DataFrame) -> PairScores:
    """Make the symmetric matrix of the scores of a list of pairs."""
    codes, names = pd.factorize(pd.concat([rows["first"], rows["second"]], ignore_index=True), sort=True)
    left, right = np.split(codes, 2)
    scores = np.full((len(names), len(names)), np.nan, dtype=np.float32)
    scores[left, right] = scores[right, left] = rows["score"].to_numpy(dtype=np.float32)
    return PairScores(names.to_numpy(dtype=str), scores)
