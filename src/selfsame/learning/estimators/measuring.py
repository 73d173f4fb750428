"""The means of what estimators measured over random splits, with intervals, and the captures they misname."""

from typing import TypedDict

import pandas as pd

WORST = 10


class Misnamed(TypedDict):
    """A capture that was misnamed, by id: how often of how many answers, and as whom most often."""

    capture_id: str
    subject_id: str
    misnamed: int
    asked: int
    named: str


class Mean(TypedDict):
    """A mean over splits, see `metrics.repeated_splits.SplitMean`."""

    mean: float
    deviation: float | None
    low: float | None
    high: float | None
    splits: int


class EstimatorMeans(TypedDict):
    """One estimator with one number of components."""

    estimator: str
    components: int  # 0: it has none
    explained_share: float | None
    train: int  # captures a split
    test: int
    accuracy: Mean
    ece: Mean
    brier: Mean
    log_loss: Mean
    seconds: Mean


class Summary(TypedDict):
    """What is reported.

    `estimators` has one entry a name, as configured; `components` one a name and number of components, each
    on its own number of splits; `worst` the captures that were most often misnamed.
    """

    estimators: list[EstimatorMeans]
    components: list[EstimatorMeans]
    worst: list[Misnamed]


def summarise_estimators(measures: pd.DataFrame, answers: pd.DataFrame) -> Summary:
    """Average over splits, with intervals that know that the splits overlap.

    Args:
        measures: from `try_estimators`, one row a split and estimator; of each name the first number of
            components is the configured one, others belong to the sweep.
        answers: from `try_estimators`, one row a split, estimator and test capture.
    """
    trials = [_average(part) for _, part in measures.groupby(["estimator", "components"], sort=False)]
    configured = measures.groupby("estimator", sort=False)["components"].first()
    swept = measures.groupby("estimator")["components"].nunique()
    return {
        "estimators": [one for one in trials if one["components"] == configured[one["estimator"]]],
        "components": sorted(
            (one for one in trials if swept[one["estimator"]] > 1),
            key=lambda one: (one["components"], one["estimator"]),
        ),
        "worst": list_worst(answers[answers["components"] == answers["estimator"].map(configured)]),
    }


def list_worst(answers: pd.DataFrame) -> list[Misnamed]:
    """List the captures that all estimators together misnamed most often, by id, never by picture."""
    wrong = answers.assign(wrong=answers["named"] != answers["subject_id"])
    each = wrong.groupby(["subject_id", "capture_id"]).agg(wrong=("wrong", "sum"), asked=("wrong", "size"))
    share = each["wrong"] / each["asked"]
    order = share[share > 0].sort_values(ascending=False, kind="stable").index[:WORST]
    names = wrong[wrong["wrong"]].groupby("capture_id")["named"].agg(lambda named: named.mode().iloc[0])
    return [
        {
            "capture_id": str(capture),
            "subject_id": str(subject),
            "misnamed": int(each.loc[(subject, capture), "wrong"]),
            "asked": int(each.loc[(subject, capture), "asked"]),
            "named": str(names[capture]),
        }
        for subject, capture in order
    ]


def _average(part: pd.DataFrame) -> EstimatorMeans:
    """Average one estimator with one number of components over its splits."""
    explained = part["explained_share"].mean()
    return EstimatorMeans(
        estimator=str(part["estimator"].iloc[0]),
        components=int(part["components"].iloc[0]),
        explained_share=None if pd.isna(explained) else float(explained),
        train=int(part["train"].iloc[0]),
        test=int(part["test"].iloc[0]),
        accuracy=_average_measure(part, "accuracy"),
        ece=_average_measure(part, "ece"),
        brier=_average_measure(part, "brier"),
        log_loss=_average_measure(part, "log_loss"),
        seconds=_average_measure(part, "seconds"),
    )


def _average_measure(part: pd.DataFrame, measure: str) -> Mean:
    from selfsame.metrics.repeated_splits import average_splits  # loads scipy.stats

    test_share = float((part["test"] / part["train"]).mean())
    found = average_splits(part[measure].tolist(), test_share=test_share)
    return Mean(
        mean=found.mean,
        deviation=found.deviation,
        low=found.low,
        high=found.high,
        splits=found.splits,
    )
