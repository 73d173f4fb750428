import numpy as np
import pytest

from selfsame.iris.phase import average_cells, log_gabor_responses, overlap


def test_phase_of_a_wave_is_where_one_is_in_it():
    """A cosine of 15 waves: the response is its analytic signal, exp(i 15 angle), times the gain."""
    angle = np.arange(256) * (2 * np.pi / 256)
    cells = np.cos(15 * angle).astype(np.float32)[None, None]
    response = log_gabor_responses(cells, wavelength=1 / 15, bandwidth=0.5, directions=64)[0, 0]
    places = np.arange(64) * (2 * np.pi / 64)
    np.testing.assert_allclose(response / np.abs(response), np.exp(15j * places), atol=1e-5)


@pytest.mark.parametrize(("waves", "gain"), [(15, 1.0), (30, np.exp(-0.5)), (7.5, np.exp(-0.5))])
def test_gain_falls_by_octaves_as_the_formula_says(waves, gain):
    """With sigma/f0 = 0.5 an octave off is one standard deviation off."""
    angle = np.arange(256) * (2 * np.pi / 128)
    cells = np.cos(waves * angle).astype(np.float32)[None, None]
    centre = np.cos(15 * angle).astype(np.float32)[None, None]
    strength, full = (np.abs(log_gabor_responses(each, 1 / 30, 0.5, 256)).mean() for each in (cells, centre))
    assert strength / full == pytest.approx(gain, rel=1e-4)


def test_light_that_falls_off_from_row_to_row_is_taken_away():
    strips = np.broadcast_to(np.arange(0, 240, 10, dtype=np.uint8)[:, None], (1, 24, 64))
    cells, share = average_cells(strips, np.ones((1, 24, 64), bool), rings=8, directions=16)
    assert cells.shape == (1, 8, 64)
    assert np.abs(cells).max() < 1e-3
    np.testing.assert_allclose(share, 1)


def test_share_in_sight_is_that_of_the_mask():
    seen = np.zeros((1, 4, 8), bool)
    seen[0, :, :2], seen[0, 0, 2:4] = True, True
    _, share = average_cells(np.zeros((1, 4, 8), np.uint8), seen, rings=2, directions=4)
    np.testing.assert_allclose(share[0], [[1, 0.5, 0, 0], [1, 0, 0, 0]], atol=1e-6)


@pytest.mark.parametrize(("fine", "coarse"), [(48, 16), (50, 16), (16, 48), (7, 7)])
def test_parts_are_shared_out_whole(fine, coarse):
    shares = overlap(fine, coarse)
    assert shares.shape == (coarse, fine)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(shares.sum(axis=0), coarse / fine, rtol=1e-5)
