"""Real re-captures of four fingers, where FVC2002 DB1 set B is beside the real set."""

import numpy as np
import pytest

from selfsame.fingerprint.comparison import compare_prints
from selfsame.fingerprint.encoding import encode_prints
from selfsame.fingerprint.normalisation import normalise_fingerprint
from selfsame.imaging.decoding import decode_grey

pytestmark = pytest.mark.real

FINGERS, IMPRESSIONS = (101, 103, 106, 108), (1, 2, 3, 6)


@pytest.fixture(scope="module")
def scores(real_captures, settings):
    folder = real_captures.parent / "fvc2002_db1_b"
    if not folder.is_dir():
        pytest.skip(f"real re-captures absent: expected {folder.name}/ beside the real set")
    rows = []
    for finger in FINGERS:
        for impression in IMPRESSIONS:
            data = (folder / f"{finger}_{impression}.tif").read_bytes()
            image = decode_grey(data, max_pixels=1_000_000)
            done = normalise_fingerprint(image, height=512, width=448, resolution_dpi=500.0, target_dpi=500.0)
            rows.append(np.stack([done.image, done.mask]))
    templates = encode_prints(np.stack(rows), settings)
    return compare_prints(templates, templates, settings)


def test_mated_recaptures_score_above_all_others(scores):
    finger = np.arange(16) // 4
    mated = (finger[:, None] == finger) & ~np.eye(16, dtype=bool)
    others = finger[:, None] != finger
    assert np.isfinite(scores).all()
    assert scores[mated].min() > scores[others].max()


def test_real_scores_are_nearly_symmetric(scores):
    assert np.corrcoef(scores.ravel(), scores.T.ravel())[0, 1] > 0.995
