"""Tables of scores, as the comparison of captures makes them."""

import numpy as np
import pandas as pd
import pytest

from selfsame.reporting.measurement import Resampling
from selfsame.reporting.summary import measure_all


def make_attempts(
    figure="iris_left", modalities=None, *, subjects=("s0", "s1", "s2", "s3", "s4", "s5"), failed=()
):
    """Two probes of every subject, each compared with one reference, and probes that failed."""
    lost = np.array([failed.count(subject) for subject in subjects])
    counts = {
        "mated_attempted": 2 + lost,
        "mated_failed": lost,
        "probes_attempted": 2 + lost,
        "probes_failed": lost,
    }
    return pd.DataFrame(
        {"figure": figure, "modalities": modalities or figure, "subject_id": list(subjects), **counts}
    )


def make_scores(figure="iris_left", *, subjects=6, probes=2, separation=3.0, seed=0):
    """Every probe against one reference of every subject, mated scores higher by `separation` on average."""
    rng = np.random.default_rng(seed)
    rows = [
        (figure, f"s{probe}", f"s{reference}", f"s{probe}/{k}", f"s{reference}/1", probe == reference)
        for probe in range(subjects)
        for k in range(probes)
        for reference in range(subjects)
    ]
    table = pd.DataFrame(
        rows, columns=["figure", "probe_subject", "reference_subject", "probe", "reference", "mated"]
    )
    score = rng.normal(size=len(table)) + separation * table["mated"].to_numpy()
    return table.assign(score=score.astype(np.float32))


@pytest.fixture
def scores():
    return make_scores


@pytest.fixture
def resampling():
    return Resampling(resamples=100, seed=1)


@pytest.fixture
def attempts():
    return make_attempts


@pytest.fixture
def metrics(resampling):
    """The results of two irises and their fusion, closed set, with one misnamed presentation."""
    modalities = {
        "iris_left": ("iris_left",),
        "iris_right": ("iris_right",),
        "irises": ("iris_left", "iris_right"),
    }
    table = pd.concat([make_scores(name, seed=i) for i, name in enumerate(modalities)], ignore_index=True)
    attempts = pd.concat([make_attempts(name, "+".join(parts)) for name, parts in modalities.items()])
    named = pd.DataFrame({"figure": "irises", "subject_id": ["s0", "s1", "s2"], "named": ["s0", "s1", "s1"]})
    rows = [
        (
            subject,
            capture,
            0,
            "probe" if capture == 2 else "reference",
            "test" if capture == 2 else "train",
            "closed_set",
            "ok",
            None,
        )
        for subject in ("s0", "s1", "s2")
        for capture in (1, 2)
    ]
    index = pd.DataFrame(
        rows,
        columns=[
            "subject_id",
            "capture_index",
            "impression",
            "role",
            "split",
            "protocol",
            "status",
            "reason",
        ],
    )
    return table, measure_all(
        table,
        attempts,
        named,
        dict.fromkeys(("iris_left", "iris_right"), index),
        model_version="m1",
        fusion_weights={"iris_left": 0.5, "iris_right": 0.5},
        fmrs=(0.1, 0.01),
        ranks_shown=20,
        resampling=resampling,
    )
