import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfsame.iris.circle_fits import fit_circles, plan_fit, solve_waves

FINE = plan_fit(72, 0.2, 41)


def draw_disc(x, y, radius, shape=(240, 320)):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    grey = np.clip(np.hypot(columns - x, rows - y) - radius + 0.5, 0, 1) * 120 + 20
    return cv2.GaussianBlur(grey.astype(np.uint8), (0, 0), 1.0)


def fit_again(image, circle, times=4, plan=FINE):
    circles = np.array([circle], np.float32)
    for _ in range(times):
        circles, agreeing = fit_circles(image, circles, plan)
    return circles[0], agreeing[0]


@settings(max_examples=25, deadline=None)
@given(st.floats(-0.12, 0.12), st.floats(-0.12, 0.12), st.floats(0.9, 1.1), st.floats(12, 50))
def test_disc_is_found_from_a_circle_that_is_off(dx, dy, ratio, radius):
    found, agreeing = fit_again(
        draw_disc(160.3, 119.6, radius), (160.3 + dx * radius, 119.6 + dy * radius, ratio * radius)
    )
    assert found == pytest.approx((160.3, 119.6, radius), abs=0.35)
    assert agreeing.mean() > 0.9


def test_rough_fit_finds_a_disc_from_a_third_of_its_radius_away():
    rough = plan_fit(36, 0.35, 25, rough=True)
    found, _ = fit_again(draw_disc(160, 120, 30), (168, 116, 24), plan=rough)
    assert found == pytest.approx((160, 120, 30), abs=1)


def test_rays_that_do_not_count_do_not_move_the_circle():
    edge = np.ones((1, 72), np.float32)
    edge[0, :20] = 1.15
    counts = np.arange(72)[None] >= 20
    assert solve_waves(edge, counts, FINE)[0] == pytest.approx((1, 0, 0), abs=1e-4)


def test_wave_of_the_edge_is_the_offset_of_the_centre():
    angle = np.arange(72) * 2 * np.pi / 72
    edge = (1.05 + 0.08 * np.cos(angle) - 0.03 * np.sin(angle)).astype(np.float32)[None]
    assert solve_waves(edge, np.ones((1, 72), bool), FINE)[0] == pytest.approx((1.05, 0.08, -0.03), abs=1e-4)


def test_circle_without_any_ray_gets_radius_zero():
    assert solve_waves(np.ones((1, 72), np.float32), np.zeros((1, 72), bool), FINE)[0, 0] == 0


def test_arc_that_disagrees_is_left_out():
    image = draw_disc(160, 120, 30)
    image[:108] = 140
    found, agreeing = fit_again(image, (160, 122, 29))
    assert found == pytest.approx((160, 120, 30), abs=0.5)
    assert 0.5 < agreeing.mean() < 0.85


def test_rays_that_are_not_looked_at_have_no_say():
    image = draw_disc(160, 120, 30)
    image[:95] = 140
    plan = plan_fit(72, 0.2, 41, without=first_half)
    _, agreeing = fit_again(image, (160, 121, 30), plan=plan)
    assert agreeing.shape == (36,)
    assert agreeing.all()


def first_half(rays):
    return np.arange(rays) >= rays // 2


def test_circles_are_fitted_together_as_each_alone():
    image = draw_disc(160, 120, 30)
    circles = np.array([(158, 121, 28), (163, 118, 32)], np.float32)
    together, _ = fit_circles(image, circles, FINE)
    for circle, found in zip(circles, together, strict=True):
        np.testing.assert_allclose(fit_circles(image, circle[None], FINE)[0][0], found, atol=1e-3)
