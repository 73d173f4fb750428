"""Roles and splits: which captures are references and probes, and which are for training and for the test.

Every choice is made by a digest of the seed and the key of what is chosen, never by its position, so that
the order of rows does not matter.
"""

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from selfsame.errors import InputError
from selfsame.sources.tables import INSTANCE, KEY, MANIFEST, select_columns

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ListedReferences:
    """The captures with these indices are references."""

    indices: Sequence[int]


@dataclass(frozen=True)
class SharedReferences:
    """About this share (0..1) of the captures are references, chosen by digest."""

    share: float


References = ListedReferences | SharedReferences


@dataclass(frozen=True)
class SplitRules:
    """How captures are split, under whichever protocol.

    Attributes:
        references: which captures are references.
        validation_share: share (0..1) of the captures that would be trained on that validate instead.
        folds: how many groups of subjects the protocol subject_disjoint makes.
        unenrolled_share: share (0..1) of the subjects whom the protocol open_set leaves unenrolled.
    """

    references: References
    validation_share: float
    folds: int
    unenrolled_share: float


def unit_digest(seed: int, purpose: str, *key: object) -> float:
    """Map a key to a number in [0, 1) that looks random: the first 53 bits of a SHA-256.

    >>> unit_digest(1, "split", "s1") == unit_digest(1, "split", "s1") != unit_digest(2, "split", "s1")
    True
    """
    text = "\0".join(str(part) for part in (seed, purpose, *key))
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def assign_roles(captures: pd.DataFrame, references: References, seed: int) -> "pd.Series[str]":
    """Say of each capture whether it is a `reference` or a `probe`.

    In a modality with one capture of each instance all are references: its probes are synthetic impressions.
    """
    if isinstance(references, ListedReferences):
        chosen = captures["capture_index"].isin(list(references.indices))
    else:
        chosen = _draw(captures, KEY, seed, "reference") < references.share
    chosen |= has_one_capture(captures)
    return pd.Series("probe", index=captures.index, dtype="str").mask(chosen, "reference")


def split_closed_set(captures: pd.DataFrame, rules: SplitRules, seed: int) -> pd.DataFrame:
    """Split the captures of every subject: references train, probes test, some references validate.

    Args:
        captures: one row a capture.
        rules: which captures are references, and how many of them validate.
        seed: of the draws.

    Returns:
        The captures with the columns role and split.

    Raises:
        InputError: nothing is left for training, or no probe is or will be there for the test.
    """
    return _split_by_role(captures, assign_roles(captures, rules.references, seed), rules, seed)


def split_open_set(captures: pd.DataFrame, rules: SplitRules, seed: int) -> pd.DataFrame:
    """Split as for a closed set, but leave a share of the subjects unenrolled: they have probes only.

    So many subjects as the share comes closest to, at least one and never all, are unenrolled: those whose
    digests are lowest.

    Returns:
        The captures with the columns role and split.

    Raises:
        InputError: there is one subject only; or what `split_closed_set` refuses.
    """
    ordered = order_subjects(captures, seed, "enrolment")
    if len(ordered) < 2:
        raise InputError(
            "expected at least two subjects, one to enrol and one to leave unenrolled, "
            f"got {len(ordered)}: add subjects"
        )
    count = min(max(1, round(rules.unenrolled_share * len(ordered))), len(ordered) - 1)
    roles = assign_roles(captures, rules.references, seed)
    return _split_by_role(
        captures, roles.mask(captures["subject_id"].isin(ordered[:count]), "probe"), rules, seed
    )


def split_subject_disjoint(captures: pd.DataFrame, rules: SplitRules, seed: int) -> Iterator[pd.DataFrame]:
    """Split the subjects into folds: in each, nobody of the test is trained on or validated with.

    Every subject is tested in one fold, and the sizes of folds differ by one subject at most. With one fold
    nobody is trained on and everybody is tested. Where there are too few subjects for two in each fold, there
    are fewer folds. Every capture of the test is reference and probe at once
    (role `both`) unless its modality has one capture of each instance.

    Validation tells when to stop training, by presentations of people who are trained on, so it takes
    captures, not people: somebody who is never trained on has no class whose loss could be measured.

    Returns:
        Of each fold, the captures with the columns role and split.

    Raises:
        InputError: nothing is left for training.
    """
    ordered = order_subjects(captures, seed, "fold")
    folds = max(1, min(rules.folds, len(ordered) // 2))
    if folds < rules.folds:
        logger.warning(
            "subject_disjoint: %d fold%s instead of %d, so that each tests two of the %d subjects",
            folds,
            "" if folds == 1 else "s",
            rules.folds,
            len(ordered),
        )
    roles, single = assign_roles(captures, rules.references, seed), has_one_capture(captures)
    held_out = _hold_out(captures, rules, seed)
    for fold in range(folds):
        tested = captures["subject_id"].isin(ordered[fold::folds])
        splits = pd.Series("train", index=captures.index, dtype="str").mask(tested, "test")
        splits = splits.mask(~tested & held_out, "validation")
        if folds > 1 and not (splits == "train").any():
            raise InputError(
                "expected some captures for training in every fold, got none: lower validation_share of the "
                "protocol, or add subjects"
            )
        yield captures.assign(role=roles.mask(tested & ~single, "both"), split=splits)


def split_unenrolled(captures: pd.DataFrame) -> pd.DataFrame:
    """Make every capture a probe of the test: captures that are to be recognised, with nobody enrolled."""
    return select_columns(captures.assign(role="probe", split="test", protocol="unenrolled"), MANIFEST)


def order_subjects(captures: pd.DataFrame, seed: int, purpose: str) -> list[str]:
    """List the subjects in an order that looks random and depends on the seed and their names only."""
    names = captures["subject_id"].unique().tolist()
    return sorted(names, key=lambda name: (unit_digest(seed, purpose, name), name))


def has_one_capture(captures: pd.DataFrame) -> "pd.Series[bool]":
    """Tell of each capture whether its modality has one capture of each instance, of every subject."""
    of_instance = captures.groupby(list(INSTANCE), sort=False)["capture_index"].transform("size")
    return of_instance.groupby(captures["modality"], sort=False).transform("max") == 1


def _split_by_role(
    captures: pd.DataFrame, roles: "pd.Series[str]", rules: SplitRules, seed: int
) -> pd.DataFrame:
    """Train and validate with references, test with probes."""
    splits = pd.Series("train", index=captures.index, dtype="str").mask(roles == "probe", "test")
    splits = splits.mask((splits == "train") & _hold_out(captures, rules, seed), "validation")
    if not (splits == "train").any():
        raise InputError(
            "expected some reference captures for training, got none: change reference_captures or "
            "validation_share of the protocol"
        )
    if not (splits == "test").any() and not has_one_capture(captures).any():
        raise InputError(
            f"expected some captures to be left as probes, but all {len(captures)} are references: "
            "change reference_captures of the protocol"
        )
    return captures.assign(role=roles, split=splits)


def _hold_out(captures: pd.DataFrame, rules: SplitRules, seed: int) -> "pd.Series[bool]":
    """Choose about the share of all captures that validate, should they train, whichever the protocol."""
    if rules.validation_share <= 0:
        return pd.Series(data=False, index=captures.index, dtype="bool")
    return _draw(captures, KEY, seed, "validation") < rules.validation_share


def _draw(captures: pd.DataFrame, key: Sequence[str], seed: int, purpose: str) -> "pd.Series[float]":
    keys = zip(*(captures[name].tolist() for name in key), strict=True)
    return pd.Series(
        [unit_digest(seed, purpose, *values) for values in keys], captures.index, dtype="float64"
    )
