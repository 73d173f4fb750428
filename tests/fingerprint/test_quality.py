import numpy as np
import pytest

from selfsame.fingerprint.normalisation import normalise_fingerprint
from selfsame.fingerprint.quality import measure_ridges


def test_quality_is_what_the_normalisation_measures(rings):
    image = rings(144, 128, (64, 72), 45, 8)
    expected = normalise_fingerprint(image, height=96, width=96).measures
    for name, value in measure_ridges(image).items():
        assert value == expected[name]


def test_noise_lowers_the_coherence(rings):
    clean = rings(144, 128, (64, 72), 55, 8)
    rng = np.random.default_rng(0)
    grades = [
        measure_ridges(np.clip(clean + rng.normal(0, noise, clean.shape), 0, 255).astype(np.uint8))
        for noise in (0, 30, 60)
    ]
    coherences = [grade["ridge_coherence"] for grade in grades]
    assert coherences == sorted(coherences, reverse=True)
    assert coherences[0] - coherences[2] > 0.1


@pytest.mark.parametrize("shape", [(0, 0), (8, 8), (103, 96)])
def test_blank_capture_has_quality_zero(shape):
    assert measure_ridges(np.full(shape, 255, np.uint8)) == {"foreground_share": 0.0, "ridge_coherence": 0.0}
