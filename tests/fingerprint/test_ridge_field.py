"""Orientation and period of ridges that are drawn with known ones."""

import numpy as np
import pytest

from selfsame.fingerprint.filter_bank import respond
from selfsame.fingerprint.ridge_field import CELL_PX, measure_ridge_field


def draw_wave(angle_rad: float, period: float, side: int = 128) -> np.ndarray:
    y, x = np.mgrid[:side, :side]
    across = x * np.cos(angle_rad) + y * np.sin(angle_rad)
    return np.cos(2 * np.pi * across / period).astype(np.float32)


def measure_middle(image, settings):
    field = measure_ridge_field(respond(image, settings.ridges), settings.ridges)
    middle = image.shape[0] // CELL_PX // 2
    window = np.s_[middle - 4 : middle + 4, middle - 4 : middle + 4]
    return field.normal_rad[window], field.period_px[window], field.coherence[window]


@pytest.mark.parametrize("angle_deg", [0, 17, 45, 90, 135, 176])
def test_normal_of_a_plane_wave_is_the_direction_it_runs_in(angle_deg, settings):
    normal, _, coherence = measure_middle(draw_wave(np.deg2rad(angle_deg), 9.0), settings)
    off = np.angle(np.exp(2j * (normal - np.deg2rad(angle_deg)))) / 2
    assert np.abs(np.rad2deg(off)).max() < 2  # a fifth of the step between the filters
    assert coherence.min() > 0.8


def test_period_grows_with_that_of_the_wave(settings):
    periods = [measure_middle(draw_wave(0.5, period), settings)[1].mean() for period in (7.0, 9.0, 11.0)]
    assert periods[0] < periods[1] < periods[2]


def test_period_of_the_middle_band_is_that_of_the_wave(settings):
    assert measure_middle(draw_wave(1.0, 9.0), settings)[1].mean() == pytest.approx(9.0, rel=0.05)


def test_noise_has_no_coherence(settings):
    noise = np.random.default_rng(0).standard_normal((256, 256)).astype(np.float32)
    ridged = draw_wave(0.3, 9.0, 256)
    fields = [measure_ridge_field(respond(one, settings.ridges), settings.ridges) for one in (noise, ridged)]
    assert np.median(fields[0].coherence) < 0.5 < np.median(fields[1].coherence)


def test_response_is_analytic_with_the_phase_growing_along_the_filter(settings):
    middle = respond(draw_wave(0.0, 9.0), settings.ridges)[1, 0, 64]
    steps = np.angle(middle[41:90] * middle[40:89].conj())
    assert steps == pytest.approx(2 * np.pi / 9, abs=0.02)
