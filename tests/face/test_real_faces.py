import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from selfsame.face.normalisation import normalise_face
from selfsame.imaging.decoding import decode_grey
from selfsame.learning.estimators.settings import PcaSvm
from selfsame.learning.estimators.trials import Candidate, draw_splits, try_estimators

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def faces() -> tuple[np.ndarray, pd.DataFrame]:
    """AT&T's 400 faces, or a skip that says how to provide them."""
    folder = os.environ.get("SELFSAME_TEST_DATA", "")
    root = Path(folder) / "faces_att"
    if not folder or not root.is_dir():
        pytest.skip("real data absent: set SELFSAME_TEST_DATA to a folder that holds faces_att/")
    paths = [path for path in sorted(root.rglob("*")) if re.fullmatch(r"\d+\.pgm", path.name)]
    images = [
        normalise_face(decode_grey(path.read_bytes(), max_pixels=1_000_000), height=56, width=46).image
        for path in paths
    ]
    rows = [
        {"capture_id": f"{path.parent.name}/{path.name}", "subject_id": path.parent.name} for path in paths
    ]
    return np.array(images), pd.DataFrame(rows)


def test_linear_machine_names_real_people(faces: tuple[np.ndarray, pd.DataFrame]) -> None:
    images, captures = faces
    assert len(images) == 400
    settings = PcaSvm(
        kind="pca_svm", components=150, whitening=False, cost=10.0, calibration="temperature", folds=5
    )
    splits = draw_splits(captures, splits=3, training_captures=5, seed=1)
    _, measures = try_estimators(
        images, list(captures["capture_id"]), splits, [Candidate("svm", settings, 3)], 1
    )
    assert measures["accuracy"].mean() > 0.93  # 96.5 % over 20 splits, with a deviation of 1.7
    assert measures["ece"].mean() < 0.06
