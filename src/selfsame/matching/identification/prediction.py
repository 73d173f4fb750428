"""Open-set identification: who is presented, if anyone enrolled."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfsame.matching.identification.search import Owners, name_most_alike, subset_key
from selfsame.matching.presentations import NOTHING, Presentations, Records, reference_records
from selfsame.matching.scoring import Score, score_modality
from selfsame.matching.templates import Captures

Fuse = Callable[[NDArray[np.floating]], NDArray[np.floating]]
"""Fuses (n, modalities) scores, NaN where a modality gave none, into (n,)."""

Nearest = Callable[[NDArray[np.int64], int], tuple[NDArray[np.str_], NDArray[np.float32]]]
"""Finds for probe captures (p,) the `count` subjects of highest fused scores: their names (p, count), empty
where there are fewer, and the scores (p, count), NaN where there are fewer."""

SCORES_HELD = 2**20
"""Scores of a modality that are held at once, about 50 bytes each with what the fusion makes of them."""

PRESENTED_AT_ONCE = 1024
"""Presentations that are searched at once, where not everybody is compared."""


UNKNOWN = "unknown"
"""The answer for a presentation whose best score stays below the threshold."""

ANSWER_COLUMNS: Mapping[str, str] = {
    "presentation": "str",
    "status": "str",
    "identity": "str",
    "score": "float64",
    "threshold": "float64",
    "candidates": "object",
    "candidate_scores": "object",
    "modalities": "str",
    "captures": "object",
    "reason": "str",
}
"""The answers: a row for each presentation."""


def present_each_once(probes: Mapping[str, Captures]) -> Presentations:
    """Put new captures together so that each is presented exactly once.

    Presentation j of a claimed subject (the name that the layout read from the path; it takes no part in the
    comparison) shows the j-th capture of each modality, in the order of the captures.
    """
    shown: dict[tuple[str, int], dict[str, int]] = {}
    for modality, templates in probes.items():
        turns = pd.Series(templates.subjects).groupby(templates.subjects).cumcount()
        for row, (subject, turn) in enumerate(zip(templates.subjects.tolist(), turns, strict=True)):
            shown.setdefault((subject, int(turn)), {})[modality] = row
    keys = sorted(shown)
    return Presentations(
        names=np.array([f"{subject}/{turn + 1}" for subject, turn in keys], dtype=str),
        subjects=np.array([subject for subject, _ in keys], dtype=str),
        rows={m: np.array([shown[key].get(m, NOTHING) for key in keys], dtype=np.int64) for m in probes},
    )


def predict(
    probes: Mapping[str, Captures],
    references: Mapping[str, Captures],
    *,
    score: Mapping[str, Score],
    fuse: Fuse,
    thresholds: Mapping[str, float],
    count: int,
    nearest: Nearest | None = None,
) -> pd.DataFrame:
    """Name the most alike enrolled subjects of each presentation, or `unknown` below the threshold.

    Presentations are compared block by block, so that the memory does not depend on their number.

    Args:
        probes: for each modality, in the order of the fusion, the new captures.
        references: for the same modalities the captures of everyone enrolled.
        score: for the same modalities what compares a new capture with an enrolled one.
        fuse: makes one score of those of the modalities, (n, modalities) to (n,).
        thresholds: the score from which a candidate is accepted, by the modalities compared with it
            (`subset_key`).
        count: how many candidates to list.
        nearest: finds the subjects of the highest fused scores of captures of a single modality without
            comparing them with all others; None compares with all.

    Returns:
        One row a presentation, with ANSWER_COLUMNS. `status` is `identified`, `unknown`, or `failed` where
        nothing could be compared (no capture was acquired, or no threshold is known for these modalities).
    """
    if not probes:
        return pd.DataFrame(columns=list(ANSWER_COLUMNS))
    presentations = present_each_once(probes)
    if nearest is None:
        records = reference_records(references)
        held, search = (
            max(1, SCORES_HELD // max(1, len(records))),
            _compare_with(records, probes, score, fuse),
        )
    else:
        held, search = PRESENTED_AT_ONCE, _search_by(nearest)
    rows = []
    for first in range(0, len(presentations), held):
        block = presentations.cut(first, first + held)
        found = search(block, count)
        limits = [thresholds.get(key, np.nan) for key in found.used]
        rows += [_row(i, block, found, limit, probes) for i, limit in enumerate(limits)]
    return pd.DataFrame(rows, columns=list(ANSWER_COLUMNS))


@dataclass(frozen=True)
class _Found:
    """What a search gives for each presentation.

    Attributes:
        subjects: (n, k) the most alike subjects first; an empty string where there are fewer than k.
        scores: (n, k) float32 their scores, falling; NaN where there are fewer than k.
        used: (n,) `subset_key` of the modalities behind the first score, empty where nothing was compared.
    """

    subjects: NDArray[np.str_]
    scores: NDArray[np.float32]
    used: list[str]


_Search = Callable[[Presentations, int], _Found]


def _search_by(nearest: Nearest) -> _Search:
    """Search presentations of a single modality, of which nobody else is looked at."""

    def search(block: Presentations, count: int) -> _Found:
        ((modality, shown),) = block.rows.items()
        names, scores = nearest(shown, count)
        return _Found(names, scores, [modality if name else "" for name in names[:, 0].tolist()])

    return search


def _compare_with(
    records: Records, probes: Mapping[str, Captures], score: Mapping[str, Score], fuse: Fuse
) -> _Search:
    """Compare presentations with all records."""
    owners = Owners.of(records.subjects)

    def search(block: Presentations, count: int) -> _Found:
        scores = {m: score_modality(m, block, probes[m], records, score[m]) for m in probes}
        fused = _fuse_block(fuse, scores)
        names, best = name_most_alike(owners.best(fused), owners.subjects, count)
        return _Found(names, best, decisive_modalities(scores, fused))

    return search


def _fuse_block(fuse: Fuse, scores: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    """Fuse the (n, records) scores of the modalities: (n, records)."""
    matrices = list(scores.values())
    fused = fuse(np.stack([matrix.ravel() for matrix in matrices], axis=1))
    return fused.reshape(matrices[0].shape).astype(np.float32)


def decisive_modalities(scores: Mapping[str, NDArray[np.float32]], fused: NDArray[np.float32]) -> list[str]:
    """Name for each presentation the modalities behind its best score: those that the best record holds, too.

    A threshold is that of a set of modalities. A subject who enrolled one eye is compared by that eye alone,
    and must reach the threshold of one eye.

    Args:
        scores: for each modality the (n, records) scores, NaN where there was nothing to compare.
        fused: (n, records) their fusion.

    Returns:
        For each presentation its `subset_key`, empty where nothing was compared.
    """
    if not fused.shape[1]:
        return [""] * len(fused)
    record = np.argmax(np.where(np.isnan(fused), -np.inf, fused), axis=1)
    held = np.array([~np.isnan(matrix[np.arange(len(fused)), record]) for matrix in scores.values()])
    return [subset_key(np.array(list(scores))[column].tolist()) for column in held.T]


def _row(
    i: int,
    presentations: Presentations,
    found: _Found,
    limit: float,
    probes: Mapping[str, Captures],
) -> dict[str, object]:
    named, used = np.flatnonzero(found.subjects[i] != ""), found.used[i]
    shown = {m: rows[i] for m, rows in presentations.rows.items() if rows[i] != NOTHING}
    status, reason = _decide(float(found.scores[i, 0]), used, limit)
    return {
        "presentation": presentations.names[i],
        "status": status,
        "identity": {"identified": str(found.subjects[i, 0]), "unknown": UNKNOWN}.get(status),
        "score": float(found.scores[i, 0]),
        "threshold": limit,
        "candidates": found.subjects[i][named].tolist(),
        "candidate_scores": found.scores[i][named].astype(float).tolist(),
        "modalities": used,
        "captures": [str(probes[m].names[row]) for m, row in shown.items()],
        "reason": reason,
    }


def _decide(score: float, used: str, limit: float) -> tuple[str, str | None]:
    if not used:
        return "failed", "no capture of this presentation could be compared with an enrolled one"
    if np.isnan(limit):
        return "failed", f"the evaluation chose no threshold for {used}: it had no such comparisons"
    return ("identified" if score >= limit else "unknown"), None
