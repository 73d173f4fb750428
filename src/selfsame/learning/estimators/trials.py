"""Trials of estimators: random splits of each person's captures, a fit on each, and the answers."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfsame.errors import InputError
from selfsame.learning.estimators.estimator import build_estimator
from selfsame.learning.estimators.settings import EstimatorSettings
from selfsame.metrics.reliability import brier_score, expected_calibration_error, log_loss
from selfsame.shards.arrays import ShardedArrays

logger = logging.getLogger(__name__)

SPLIT_COLUMNS = ["split", "capture_id", "subject_id", "part"]
ANSWER_COLUMNS = ["split", "estimator", "components", "capture_id", "subject_id", "named", "confidence"]
TRIAL = ["split", "estimator", "components"]
ESTIMATOR_COLUMNS = [
    *TRIAL,
    "accuracy",
    "ece",
    "brier",
    "log_loss",
    "seconds",
    "explained_share",
    "train",
    "test",
]

BINS = 15
"""Of equal mass, for the calibration error: 13 answers each with 200 test images."""

SMALLEST_PROBABILITY = 1e-12
"""A true class of probability 0 would cost an infinite log loss; this one costs 27.6."""


@dataclass(frozen=True)
class Candidate:
    """One estimator to be tried: its name in tables and its settings."""

    name: str
    settings: EstimatorSettings
    splits: int

    @property
    def components(self) -> int:
        """How many components it asks for; 0 for an estimator without any."""
        return getattr(self.settings, "components", 0)


def draw_splits(captures: pd.DataFrame, *, splits: int, training_captures: int, seed: int) -> pd.DataFrame:
    """Split each person's captures at random, several times.

    Captures are shuffled in the order of their ids, so that the order of the table changes nothing.

    Args:
        captures: one row a usable capture: capture_id, subject_id.
        splits: how many.
        training_captures: of each person, for training; all others are for the test.
        seed: split k draws from (seed, k): more splits change none of those before.

    Returns:
        `SPLIT_COLUMNS`: one row a split and capture; part is `train` or `test`.

    Raises:
        InputError: somebody has too few captures to leave one for the test, or there is one person.
    """
    counts = captures.groupby("subject_id").size()
    few = counts[counts <= training_captures]
    if len(few):
        raise InputError(
            f"expected more than {training_captures} usable captures of each person, so that one is left for "
            f"the test, got {few.iloc[0]} of {few.index[0]} ({len(few)} such people): lower "
            "training_captures of estimation, or widen its captures"
        )
    if len(counts) < 2:
        raise InputError(f"expected captures of two or more people, got {len(counts)}: add captures")
    ordered = captures[["capture_id", "subject_id"]].sort_values(["subject_id", "capture_id"])
    tables = [_draw_split(ordered, k, training_captures, seed) for k in range(1, splits + 1)]
    return pd.concat(tables, ignore_index=True)[SPLIT_COLUMNS]


def _draw_split(ordered: pd.DataFrame, split: int, training_captures: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng((seed, split))
    places = pd.Series(rng.random(len(ordered)), ordered.index).groupby(ordered["subject_id"]).rank("first")
    part = np.where(places <= training_captures, "train", "test")
    return ordered.assign(split=np.int32(split), part=part)


def try_estimators(
    images: NDArray[np.uint8],
    capture_ids: Sequence[str],
    splits: pd.DataFrame,
    candidates: Sequence[Candidate],
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fit every estimator on the training part of its splits, and ask it about the test part.

    Args:
        images: (n, height, width) uint8.
        capture_ids: (n,) whose images they are.
        splits: from `draw_splits`.
        candidates: what is tried; each on its first so many splits.
        seed: of the estimators, together with the split's number.

    Returns:
        The answers (`ANSWER_COLUMNS`, one row a split, estimator and test capture) and what they measure
        (`ESTIMATOR_COLUMNS`, one row a split and estimator; components 0: it has none).
    """
    rows = {capture_id: row for row, capture_id in enumerate(capture_ids)}
    answers, measures = [], []
    numbers: list[int] = splits["split"].unique().tolist()
    for number in numbers:
        part = splits[splits["split"] == number]
        train, test = part[part["part"] == "train"], part[part["part"] == "test"]
        chosen = [images[[rows[one] for one in table["capture_id"]]] for table in (train, test)]
        for candidate in candidates:
            if number > candidate.splits:
                continue
            found, measured = _try_one(candidate, chosen, train, test, (seed + number) % 2**32)
            key = (number, candidate.name, candidate.components)
            found[TRIAL] = key
            answers.append(found[ANSWER_COLUMNS])
            measures.append({**dict(zip(TRIAL, key, strict=True)), **measured})
            logger.info(
                "split %d: %s: %.1f %% right, %.1f s",
                number,
                _name(candidate),
                100 * measured["accuracy"],
                measured["seconds"],
            )
    return pd.concat(answers, ignore_index=True), pd.DataFrame(measures)[ESTIMATOR_COLUMNS]


def _name(candidate: Candidate) -> str:
    """Name an estimator with its number of components, where it has any."""
    many = candidate.components
    return f"{candidate.name} with {many} component{'' if many == 1 else 's'}" if many else candidate.name


def _try_one(
    candidate: Candidate,
    images: Sequence[NDArray[np.uint8]],
    train: pd.DataFrame,
    test: pd.DataFrame,
    seed: int,
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Fit on the training images alone; tabulate and measure the posterior of the test images."""
    began = time.perf_counter()
    estimator = build_estimator(candidate.settings, seed)
    estimator.fit(images[0], list(train["subject_id"]))
    posterior = estimator.predict_posterior(images[1])
    seconds = time.perf_counter() - began
    codes = np.searchsorted(estimator.classes, test["subject_id"].to_numpy(dtype=str))
    best = posterior.argmax(axis=1)
    bounded = np.maximum(posterior, SMALLEST_PROBABILITY)
    explained = estimator.explained_share
    answers = test[["capture_id", "subject_id"]].assign(
        named=np.asarray(estimator.classes)[best], confidence=posterior[np.arange(len(test)), best]
    )
    return answers, {
        "accuracy": float((best == codes).mean()),
        "ece": expected_calibration_error(posterior, codes, BINS),
        "brier": brier_score(posterior, codes),
        "log_loss": log_loss(bounded, codes),
        "seconds": seconds,
        "explained_share": np.nan if explained is None else explained,
        "train": len(train),
        "test": len(test),
    }


def select_captures(index: pd.DataFrame, first: int, last: int) -> pd.DataFrame:
    """Select the captures that are usable and whose index is from `first` to `last`.

    Raises:
        InputError: there is none.
    """
    usable = (index["impression"] == 0) & (index["status"] == "ok")
    chosen = index[usable & index["capture_index"].between(first, last)]
    if chosen.empty:
        found = index.loc[usable, "capture_index"]
        span = f"{found.min()} to {found.max()}" if len(found) else "none"
        raise InputError(
            f"expected usable captures with an index from {first} to {last}, got {span}: change captures of "
            "estimation"
        )
    return chosen


def gather_images(
    arrays: ShardedArrays, index: pd.DataFrame, splits: pd.DataFrame
) -> tuple[list[str], NDArray[np.uint8]]:
    """Gather the images that the splits name: (n,) capture ids and (n, height, width) uint8."""
    rows = index[(index["impression"] == 0) & index["capture_id"].isin(splits["capture_id"].unique())]
    places = arrays.rows(rows["shard"].tolist(), rows["row"].to_numpy())
    return [str(one) for one in rows["capture_id"]], arrays.gather(places)[:, 0]
