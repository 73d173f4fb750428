import hashlib
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from selfsame.fingerprint.distortion_model import DistortionModel
from selfsame.fingerprint.quality import measure_ridges
from selfsame.sources.synthetic.fingerprint import impress, synthesise_master
from selfsame.sources.synthetic.fingerprint_model import FingerprintModel
from selfsame.sources.synthetic.orientation import draw_orientation, draw_pattern, draw_singularities

MODEL = FingerprintModel(
    height_px=112,
    width_px=96,
    ridge_period_px=8.0,
    ridge_period_spread=0.05,
    arch_share=0.07,
    whorl_share=0.28,
    growth_steps=12,
)
USUAL = DistortionModel(0.04, 6.0, 0.01, 0.25, 0.2, 1.0, 0.04, 0.12, 0.08)

DIGEST = """
import hashlib, sys
import cv2, numpy as np
cv2.setNumThreads(int(sys.argv[1]))
from selfsame.fingerprint.distortion_model import DistortionModel
from selfsame.sources.synthetic.fingerprint import impress, synthesise_master
from selfsame.sources.synthetic.fingerprint_model import FingerprintModel
master = synthesise_master(np.random.default_rng(5), FingerprintModel(112, 96, 8.0, 0.05, 0.07, 0.28, 12))
usual = DistortionModel(0.04, 6.0, 0.01, 0.25, 0.2, 1.0, 0.04, 0.12, 0.08)
sys.stdout.write(hashlib.sha256(impress(master, np.random.default_rng(6), usual).tobytes()).hexdigest())
"""


def measure_period(master):
    """Median distance between ridges over the middle, from the peak of each patch's spectrum."""
    periods = []
    for y in range(0, master.shape[0] - 48, 24):
        for x in range(0, master.shape[1] - 48, 24):
            patch = (master[y : y + 48, x : x + 48] - 127.5) * np.hanning(48)[:, None] * np.hanning(48)
            power = np.abs(np.fft.rfft2(patch, (192, 192)))
            row, column = np.unravel_index(power.argmax(), power.shape)
            periods.append(192 / np.hypot(min(row, 192 - row), column))
    return np.median(periods)


def count_turns(theta, x, y, radius):
    """Half turns of the orientation along a circle: 1 around a core, -1 around a delta."""
    angles = np.linspace(0, 2 * np.pi, 400)
    around = theta[
        np.rint(y + radius * np.sin(angles)).astype(int), np.rint(x + radius * np.cos(angles)).astype(int)
    ]
    steps = np.diff(2 * around)
    return round(float(np.angle(np.exp(1j * steps)).sum()) / (2 * np.pi))


def test_same_seed_gives_the_same_bytes_in_other_processes_and_with_other_thread_counts():
    master = synthesise_master(np.random.default_rng(5), MODEL)
    here = hashlib.sha256(impress(master, np.random.default_rng(6), USUAL).tobytes()).hexdigest()
    for threads in ("1", "4"):
        command = [sys.executable, "-c", DIGEST, threads]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == here


def test_two_fingers_have_different_ridges():
    first, second = (synthesise_master(np.random.default_rng(seed), MODEL) for seed in (1, 2))
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.2


def test_impression_has_the_size_of_the_sensor_and_dark_ridges_on_light_ground():
    master = synthesise_master(np.random.default_rng(1), MODEL)
    image = impress(master, np.random.default_rng(2), USUAL)
    assert (image.shape, image.dtype) == ((112, 96), np.uint8)
    assert np.percentile(image, 95) > 240
    assert np.percentile(image, 10) < 130


@pytest.mark.parametrize("size", [(112, 96), (96, 103), (160, 160)])
def test_sensor_size_is_kept_by_every_size(size):
    model = replace(MODEL, height_px=size[0], width_px=size[1], growth_steps=2)
    assert (
        impress(synthesise_master(np.random.default_rng(0), model), np.random.default_rng(0), USUAL).shape
        == size
    )


def test_ridges_are_clear_and_have_the_period_asked_for():
    for period in (6.0, 9.0):
        model = replace(MODEL, ridge_period_px=period, ridge_period_spread=0.0)
        masters = [synthesise_master(np.random.default_rng(seed), model) for seed in range(4)]
        assert np.mean([measure_period(master) for master in masters]) == pytest.approx(period, rel=0.12)
        assert min(measure_ridges(master)["ridge_coherence"] for master in masters) > 0.6


def test_ridges_stay_where_they_are_when_the_contact_changes():
    master = synthesise_master(np.random.default_rng(4), MODEL)
    still = DistortionModel(0, 0, 0, 0.25, 0, 0, 0, 0, 0)
    first, second = (impress(master, np.random.default_rng(seed), still) for seed in (1, 2))
    middle = (slice(30, 80), slice(25, 70))
    assert np.corrcoef(first[middle].ravel(), second[middle].ravel())[0, 1] > 0.98


def test_patterns_come_as_often_as_asked_for():
    rng = np.random.default_rng(0)
    counts = Counter(draw_pattern(rng, arch_share=0.1, whorl_share=0.3) for _ in range(2000))
    # Four standard errors of the rarest share (0.1 of 2,000) are 0.027.
    for pattern, share in [("arch", 0.1), ("whorl", 0.3), ("left_loop", 0.3), ("right_loop", 0.3)]:
        assert counts[pattern] / 2000 == pytest.approx(share, abs=0.045)


@pytest.mark.parametrize("pattern", ["left_loop", "right_loop", "whorl"])
def test_orientation_turns_by_half_a_turn_around_each_singular_point(pattern):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        points = draw_singularities(rng, pattern)
        theta = draw_orientation(rng, pattern, points, height=400, width=300)
        for kind, turn in ((points.cores, 1), (points.deltas, -1)):
            for x, y in kind:
                assert count_turns(theta, 150 * x + 150, 150 * y + 200, radius=6) == turn


def test_arch_has_no_singular_point_and_bows_upwards():
    rng = np.random.default_rng(0)
    points = draw_singularities(rng, "arch")
    theta = draw_orientation(rng, "arch", points, height=400, width=300)
    assert points.cores == points.deltas == ()
    assert count_turns(theta, 150, 200, radius=120) == 0
    # y grows downwards: a ridge that rises to the middle has a negative angle on the left.
    assert theta[200, 40] < -0.2 < 0.2 < theta[200, 260]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ridge_period_px": 2.0}, "expected a ridge period of 3 px or more"),
        ({"width_px": 20}, "a sensor of 4 periods or more, got a period of 8.0 px on 20x112 px"),
        ({"arch_share": 0.8}, "add up to at most 1, got arch_share 0.8 and whorl_share 0.28"),
        ({"whorl_share": -0.1}, "expected shares of patterns of 0 or more"),
    ],
)
def test_population_that_cannot_be_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(MODEL, **change)


def test_global_random_state_is_not_touched():
    state = np.random.get_state()[1].copy()
    impress(synthesise_master(np.random.default_rng(0), MODEL), np.random.default_rng(0), USUAL)
    assert np.array_equal(np.random.get_state()[1], state)
