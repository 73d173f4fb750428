"""Protocols: which captures are references and probes, and which are for training, validation and test.

Every choice is made by a digest of the seed and the key of what is chosen, never by its position, so that
rows that are added later change nothing for the others.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from selfsame.errors import InputError
from selfsame.sources.tables import INSTANCE, KEY, MANIFEST, select_columns


@dataclass(frozen=True)
class ListedReferences:
    """The captures with these indices are references."""

    indices: Sequence[int]


@dataclass(frozen=True)
class SharedReferences:
    """About this share (0..1) of the captures are references, chosen by digest."""

    share: float


References = ListedReferences | SharedReferences


def unit_digest(seed: int, purpose: str, *key: object) -> float:
    """Map a key to a number in [0, 1) that looks random: the first 53 bits of a SHA-256.

    >>> unit_digest(1, "split", "s1") == unit_digest(1, "split", "s1") != unit_digest(2, "split", "s1")
    True
    """
    text = "\0".join(str(part) for part in (seed, purpose, *key))
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def assign_roles(captures: pd.DataFrame, references: References, seed: int) -> "pd.Series[str]":
    """Say of each capture whether it is a `reference` or a `probe`."""
    if isinstance(references, ListedReferences):
        chosen = captures["capture_index"].isin(list(references.indices))
    else:
        chosen = _draw(captures, KEY, seed, "reference") < references.share
    return pd.Series("probe", index=captures.index, dtype="str").mask(chosen, "reference")


def split_closed_set(
    captures: pd.DataFrame, references: References, validation_share: float, seed: int
) -> pd.DataFrame:
    """Split the captures of every subject: references train, probes test, some references validate.

    Args:
        captures: one row a capture.
        references: which captures are references.
        validation_share: share of the references that validate instead of being trained on.
        seed: of the draws.

    Raises:
        InputError: nothing is left for training, or no probe is or will be there for the test.
    """
    roles = assign_roles(captures, references, seed)
    splits = pd.Series("train", index=captures.index, dtype="str").mask(roles == "probe", "test")
    splits = _hold_out(captures, splits, validation_share, seed)
    if not (splits == "train").any():
        raise InputError(
            "expected some reference captures for training, got none: change reference_captures or "
            "validation_share of the protocol"
        )
    if not (splits == "test").any() and not has_single_captures(captures):
        raise InputError(
            f"expected some captures to be left as probes, but all {len(captures)} are references: "
            "change reference_captures of the protocol"
        )
    return _finish(captures, roles, splits, "closed_set")


def split_subject_disjoint(
    captures: pd.DataFrame, references: References, validation_share: float, test_share: float, seed: int
) -> pd.DataFrame:
    """Split the subjects: nobody of the test is trained on or validated with.

    Validation tells when to stop training, by presentations of people who are trained on, so it takes
    captures, not people: somebody who is never trained on has no class whose loss could be measured.

    Args:
        captures: one row a capture.
        references: which captures are references, among the test subjects.
        validation_share: share of the captures of training subjects that validate.
        test_share: share of the subjects.
        seed: of the draws.

    Raises:
        InputError: no subject is left for training or for the test.
    """
    tested = _draw(captures, ("subject_id",), seed, "subject") < test_share
    splits = pd.Series("train", index=captures.index, dtype="str").mask(tested, "test")
    splits = _hold_out(captures, splits, validation_share, seed)
    for name in ("train", "test"):
        if not (splits == name).any():
            count = captures["subject_id"].nunique()
            raise InputError(
                f"expected subjects for {name}, but none of {count} fell there (test_share {test_share}, "
                f"validation_share {validation_share}): change the shares or the seed, or add subjects"
            )
    return _finish(captures, assign_roles(captures, references, seed), splits, "subject_disjoint")


def split_unenrolled(captures: pd.DataFrame) -> pd.DataFrame:
    """Make every capture a probe of the test: captures that are to be recognised, with nobody enrolled."""
    probes = pd.Series("probe", index=captures.index, dtype="str")
    return _finish(captures, probes, pd.Series("test", index=captures.index, dtype="str"), "unenrolled")


def has_single_captures(captures: pd.DataFrame) -> bool:
    """Tell whether a modality has one capture of each instance: its probes will be synthetic impressions."""
    most = captures.groupby(list(INSTANCE), sort=False).size().groupby("modality").max()
    return bool((most == 1).any())


def _hold_out(
    captures: pd.DataFrame, splits: "pd.Series[str]", validation_share: float, seed: int
) -> "pd.Series[str]":
    """Let about this share of the captures that would train validate, whichever the protocol."""
    drawn = _draw(captures, KEY, seed, "validation") < validation_share
    return splits.mask((splits == "train") & drawn, "validation")


def _draw(captures: pd.DataFrame, key: Sequence[str], seed: int, purpose: str) -> "pd.Series[float]":
    keys = captures[list(key)].itertuples(index=False, name=None)
    return pd.Series(
        [unit_digest(seed, purpose, *values) for values in keys], captures.index, dtype="float64"
    )


def _finish(
    captures: pd.DataFrame, roles: "pd.Series[str]", splits: "pd.Series[str]", protocol: str
) -> pd.DataFrame:
    return select_columns(captures.assign(role=roles, split=splits, protocol=protocol), MANIFEST)
