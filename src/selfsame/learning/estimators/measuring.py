"""What the answers of estimators measure: rates on each split, and their means with intervals."""

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import pandas as pd

from selfsame.metrics.posteriors import calibration_error, log_losses
from selfsame.metrics.repeated_splits import average_splits

MEASURES = ("accuracy", "ece", "brier", "log_loss", "seconds")
MEASURE_COLUMNS = ["split", "estimator", "components", *MEASURES, "explained_share", "train", "test"]
TRIAL = ["split", "estimator", "components"]
WORST = 10

Summary = dict[str, object]


def measure_answers(answers: pd.DataFrame, fits: pd.DataFrame) -> pd.DataFrame:
    """Measure every fit on its split's test captures.

    Args:
        answers: from `try_estimators`, one row a split, estimator and test capture.
        fits: from `try_estimators`, one row a split and estimator.

    Returns:
        `MEASURE_COLUMNS`, one row a split, estimator and number of components (0: it has none).
    """
    rows = []
    for key, part in answers.groupby(TRIAL, sort=False):
        right = (part["named"] == part["subject_id"]).to_numpy()
        rows.append(
            {
                **dict(zip(TRIAL, key, strict=True)),
                "accuracy": right.mean(),
                "ece": calibration_error(part["confidence"].to_numpy(), right),
                "brier": part["brier"].mean(),
                "log_loss": log_losses(part["true_probability"].to_numpy()).mean(),
            }
        )
    return pd.DataFrame(rows).merge(fits, on=TRIAL, validate="one_to_one")[MEASURE_COLUMNS]


def summarise_measures(measures: pd.DataFrame, answers: pd.DataFrame) -> Summary:
    """Average over splits, with intervals that know that the splits overlap.

    Returns:
        `estimators`: one entry a name, tried on the most splits; `components`: one entry a name and number of
        components, each on its own number of splits; `worst`: the captures that were most often misnamed, by
        id. Calibration errors are the means of those of single splits; `ece_pooled` is over all their answers
        together, which has less of the bias that few trials give.
    """
    trials = [
        _summarise_trial(str(name), int(components), part)
        for (name, components), part in measures.groupby(["estimator", "components"], sort=False)
    ]
    most = measures.groupby("estimator")["split"].nunique()
    full = _take_full(measures, most)
    pooled = _pool(answers)
    named = [one | {"ece_pooled": pooled[one["estimator"], one["components"]]} for one in trials]
    swept = measures[measures["components"] > 0].groupby("estimator")["components"].nunique()
    return {
        "estimators": [one for one in named if (one["estimator"], one["components"]) in full],
        "components": sorted(
            (one for one in trials if swept.get(one["estimator"], 0) > 1),
            key=lambda one: (one["components"], one["estimator"]),
        ),
        "worst": list_worst(answers[[key in full for key in _keys(answers)]]),
    }


def list_worst(answers: pd.DataFrame) -> list[dict[str, object]]:
    """List the captures that all estimators together misnamed most often, by id, never by picture."""
    wrong = answers.assign(wrong=answers["named"] != answers["subject_id"])
    each = wrong.groupby(["subject_id", "capture_id"]).agg(wrong=("wrong", "sum"), asked=("wrong", "size"))
    worst = each[each["wrong"] > 0].assign(share=lambda table: table["wrong"] / table["asked"])
    worst = worst.sort_values(["share", "wrong"], ascending=False, kind="stable").head(WORST).reset_index()
    return [
        {
            "capture_id": row.capture_id,
            "subject_id": row.subject_id,
            "misnamed": int(row.wrong),
            "asked": int(row.asked),
            "as": str(wrong.loc[wrong["wrong"] & (wrong["capture_id"] == row.capture_id), "named"].mode()[0]),
        }
        for row in worst.itertuples()
    ]


def _summarise_trial(name: str, components: int, part: pd.DataFrame) -> dict[str, object]:
    test_share = float((part["test"] / part["train"]).mean())
    means = {
        measure: asdict(average_splits(part[measure].tolist(), test_share=test_share)) for measure in MEASURES
    }
    explained = part["explained_share"].mean()
    return {
        "estimator": name,
        "components": components,
        "explained_share": None if np.isnan(explained) else float(explained),
        "train": int(part["train"].iloc[0]),
        "test": int(part["test"].iloc[0]),
        **means,
    }


def _take_full(measures: pd.DataFrame, most: Mapping[str, int]) -> set[tuple[str, int]]:
    """Find of each estimator the first number of components among those tried on the most splits."""
    counts = measures.groupby(["estimator", "components"], sort=False)["split"].nunique()
    full: dict[str, int] = {}
    for (name, components), count in counts.items():
        if count == most[name]:
            full.setdefault(str(name), int(components))
    return set(full.items())


def _pool(answers: pd.DataFrame) -> dict[tuple[str, int], float]:
    return {
        (str(name), int(components)): calibration_error(
            part["confidence"].to_numpy(), (part["named"] == part["subject_id"]).to_numpy()
        )
        for (name, components), part in answers.groupby(["estimator", "components"])
    }


def _keys(answers: pd.DataFrame) -> list[tuple[str, int]]:
    return list(zip(answers["estimator"], answers["components"], strict=True))
