import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from selfsame.learning.training.regimen import ArcFace, ConstantSchedule, CosineSchedule, Softmax

shares = st.floats(0, 1)


def test_margin_grows_along_its_ramp_and_stays():
    objective = ArcFace(kind="arcface", scale=24, margin_rad=0.4, margin_ramp=0.5, modality_share=1)
    assert [objective.margin_at(progress) for progress in (0, 0.25, 0.5, 1)] == pytest.approx(
        [0, 0.2, 0.4, 0.4]
    )


def test_margin_without_a_ramp_is_there_from_the_start():
    assert (
        ArcFace(kind="arcface", scale=24, margin_rad=0.4, margin_ramp=0, modality_share=1).margin_at(0) == 0.4
    )


def test_softmax_has_no_margin():
    assert Softmax(kind="softmax", scale=24, modality_share=1).margin_at(1) == 0


def test_learning_rate_rises_then_falls_to_the_floor():
    schedule = CosineSchedule(kind="cosine", warm_up=0.1, floor=0.2)
    assert schedule.factor_at(0.05) == pytest.approx(0.5)
    assert schedule.factor_at(0.1) == pytest.approx(1.0)
    assert schedule.factor_at(0.55) == pytest.approx(0.6)
    assert schedule.factor_at(1.0) == pytest.approx(0.2)


@given(shares, shares, shares)
def test_learning_rate_is_never_above_the_peak_or_below_zero(warm_up, floor, progress):
    assert 0 <= CosineSchedule(kind="cosine", warm_up=warm_up, floor=floor).factor_at(progress) <= 1
    assert ConstantSchedule(kind="constant").factor_at(progress) == 1


def test_misspelt_setting_is_refused():
    with pytest.raises(ValidationError, match=r"(?s)floors.*Extra inputs are not permitted"):
        CosineSchedule(kind="cosine", warm_up=0.1, floor=0.2, floors=0.1)
