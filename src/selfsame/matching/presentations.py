"""What is compared: probe presentations on one side, the reference records of subjects on the other."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfsame.matching.templates import Captures

NOTHING = -1
"""The row of a presentation or record that has no capture there."""


@dataclass(frozen=True)
class Presentations:
    """Probe presentations: each shows at most one capture of each modality.

    Attributes:
        names: (n,) subject/slot, or the capture's name where a presentation is one capture.
        subjects: (n,) who is presented.
        rows: for each modality the (n,) row of its probe templates, or NOTHING.
    """

    names: NDArray[np.str_]
    subjects: NDArray[np.str_]
    rows: dict[str, NDArray[np.int64]]

    def __len__(self) -> int:
        return len(self.subjects)

    def cut(self, first: int, last: int) -> "Presentations":
        """Take those from `first` to before `last`."""
        rows = {modality: row[first:last] for modality, row in self.rows.items()}
        return Presentations(self.names[first:last], self.subjects[first:last], rows)


@dataclass(frozen=True)
class Records:
    """Reference records: each holds templates of every instance of a subject.

    Attributes:
        names: (n,) subject/slot.
        subjects: (n,) whose record it is; a subject's records follow each other.
        instances: for each modality its k instances in the order of the columns of `rows`.
        rows: for each modality the (n, k) rows of its reference templates, or NOTHING.
    """

    names: NDArray[np.str_]
    subjects: NDArray[np.str_]
    instances: dict[str, tuple[str, ...]]
    rows: dict[str, NDArray[np.int64]]

    def __len__(self) -> int:
        return len(self.subjects)


def probe_presentations(probes: Mapping[str, Captures]) -> Presentations:
    """Put the captures of a subject together as they would be presented at one attempt.

    Attempt j shows the j-th capture of each modality that the subject offers one instance of. Of a modality
    with several instances (fingers) it shows one: number (rank * attempts + j) mod fingers, where rank is the
    subject's place in the sorted order, so that all fingers are used equally; and of that finger the capture
    number j mod captures. A subject makes as many attempts as there are captures of the fullest
    single-instance modality, or of the fullest instance where there is no such modality.
    """
    held = {modality: _rows_by_subject(templates) for modality, templates in probes.items()}
    subjects = sorted(set().union(*held.values()))
    names: list[str] = []
    owners: list[str] = []
    rows: dict[str, list[int]] = {modality: [] for modality in probes}
    for rank, subject in enumerate(subjects):
        offers = {modality: list(held[modality].get(subject, {}).values()) for modality in probes}
        attempts = _attempts(offers.values())
        for attempt in range(attempts):
            owners.append(subject)
            names.append(f"{subject}/{attempt + 1}")
            for modality, offer in offers.items():
                rows[modality].append(_shown(offer, attempt, rank * attempts + attempt))
    shown = {modality: np.array(row, dtype=np.int64) for modality, row in rows.items()}
    return Presentations(np.array(names, dtype=str), np.array(owners, dtype=str), shown)


def single_presentations(modality: str, probes: Captures) -> Presentations:
    """Present every capture of one modality on its own."""
    return Presentations(probes.names, probes.subjects, {modality: np.arange(len(probes))})


def reference_records(references: Mapping[str, Captures]) -> Records:
    """Enrol every subject: record k holds the k-th capture of each instance, or its only one.

    A subject has as many records as captures of the fullest instance.
    """
    held = {modality: _rows_by_subject(templates) for modality, templates in references.items()}
    instances = {m: tuple(sorted(set(templates.instances.tolist()))) for m, templates in references.items()}
    names: list[str] = []
    owners: list[str] = []
    rows: dict[str, list[list[int]]] = {modality: [] for modality in references}
    for subject in sorted(set().union(*held.values())):
        offers = {modality: held[modality].get(subject, {}) for modality in references}
        slots = max(len(captures) for offer in offers.values() for captures in offer.values())
        for slot in range(slots):
            owners.append(subject)
            names.append(f"{subject}/{slot + 1}")
            for modality, offer in offers.items():
                rows[modality].append([_kept(offer.get(name, []), slot) for name in instances[modality]])
    kept = {
        m: np.array(row, dtype=np.int64).reshape(len(owners), len(instances[m])) for m, row in rows.items()
    }
    return Records(np.array(names, dtype=str), np.array(owners, dtype=str), instances, kept)


def without_repeats(records: Records) -> Records:
    """Keep every reference capture in the first record that holds it, so that none is compared twice."""
    rows = {modality: row.copy() for modality, row in records.rows.items()}
    for row in rows.values():
        for column in row.T:
            column[pd.Series(column).duplicated().to_numpy()] = NOTHING
    return Records(records.names, records.subjects, records.instances, rows)


def _rows_by_subject(templates: Captures) -> dict[str, dict[str, list[int]]]:
    """Rows of each subject's instances, instances sorted, captures in the order of the templates."""
    held: dict[str, dict[str, list[int]]] = {}
    order = np.lexsort((templates.instances, templates.subjects))  # stable: keeps the captures' order
    for row in order.tolist():
        instances = held.setdefault(str(templates.subjects[row]), {})
        instances.setdefault(str(templates.instances[row]), []).append(row)
    return held


def _attempts(offers: Iterable[list[list[int]]]) -> int:
    """Count the attempts of a subject who offers, for each modality, the captures of its instances."""
    offered = [offer for offer in offers if offer]
    single = [len(offer[0]) for offer in offered if len(offer) == 1]
    return max(single) if single else max(len(captures) for offer in offered for captures in offer)


def _shown(offer: list[list[int]], attempt: int, turn: int) -> int:
    if not offer:
        return NOTHING
    if len(offer) == 1:
        return offer[0][attempt] if attempt < len(offer[0]) else NOTHING
    captures = offer[turn % len(offer)]
    return captures[attempt % len(captures)]


def _kept(captures: list[int], slot: int) -> int:
    if len(captures) == 1:
        return captures[0]
    return captures[slot] if slot < len(captures) else NOTHING
