import numpy as np
import pytest

from selfsame.matching.comparison import Compared
from selfsame.matching.presentations import Presentations, Records
from selfsame.reporting.thresholds import choose_operating_point


def compared(scores, *, complete=None):
    """Two subjects with one presentation and two records each."""
    scores = np.float32(scores)
    return Compared(
        Presentations(np.array(["a/1", "b/1"]), np.array(["a", "b"]), {}),
        Records(np.array(["a/1", "a/2", "b/1", "b/2"]), np.array(list("aabb")), {}, {}),
        scores,
        np.ones(scores.shape, dtype=bool) if complete is None else np.array(complete),
        np.ones(scores.shape, dtype=bool),
    )


def test_operating_point_lies_midway_between_the_best_records_of_others_and_of_oneself(resampling):
    point = choose_operating_point(
        compared([[0.9, 0.2, 0.1, 0.5], [0.4, 0.3, 0.8, 0.1]]),
        ["iris_left"],
        0.01,
        resampling,
        model_version="m1",
        synthetic_impressions=(),
    )
    assert point.threshold == pytest.approx((0.5 + 0.8) / 2, abs=1e-6)
    assert (point.fmr, point.fnmr, point.mated, point.non_mated) == (0, 0, 2, 2)


def test_comparisons_that_lack_a_modality_take_no_part_in_its_operating_point(resampling):
    complete = [[True, True, True, False], [True, True, True, True]]
    scores = [[0.9, 0.2, 0.1, 0.5], [0.4, 0.3, 0.8, 0.1]]
    point = choose_operating_point(
        compared(scores, complete=complete),
        ["x"],
        0.01,
        resampling,
        model_version="m1",
        synthetic_impressions=(),
    )
    assert point.threshold == pytest.approx((0.4 + 0.8) / 2, abs=1e-6)


def test_modalities_never_presented_together_have_no_operating_point(resampling):
    nothing = compared(np.full((2, 4), np.nan), complete=np.zeros((2, 4), dtype=bool))
    assert (
        choose_operating_point(nothing, ["x"], 0.01, resampling, model_version="m1", synthetic_impressions=())
        is None
    )


def test_threshold_made_with_synthetic_impressions_says_so(resampling):
    point = choose_operating_point(
        compared([[0.9, 0.2, 0.1, 0.5], [0.4, 0.3, 0.8, 0.1]]), ["iris_left", "fingerprint"],
        0.01, resampling,
        model_version="m1", synthetic_impressions=("fingerprint", "palm"),
    )  # fmt: skip
    assert point.synthetic_impressions == ["fingerprint"]
