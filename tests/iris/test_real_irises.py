import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from selfsame.errors import CaptureError
from selfsame.imaging.decoding import decode_grey
from selfsame.iris import normalise_iris

pytestmark = pytest.mark.real

PARAMETERS = Path(__file__).parents[2] / "conf/base/parameters_preprocessing.yml"


@pytest.fixture(scope="module")
def measures(real_captures):
    """The measures of every eye of the real set, None where it failed."""
    files = [
        path
        for path in sorted(real_captures.rglob("*"))
        if re.search(r"/(left|right)/[^/]+\.bmp$", path.as_posix(), re.IGNORECASE)
    ]
    shipped = yaml.safe_load(PARAMETERS.read_text())["biometrics"]["iris_left"]["preprocessing"]
    size = {side: shipped["normalisation"][side] for side in ("height", "width")}
    results = []
    for path in files:
        image = decode_grey(path.read_bytes(), max_pixels=1_000_000)
        try:
            results.append(normalise_iris(image, **size).measures)
        except CaptureError:
            results.append(None)
    assert len(results) == 450
    return results


def test_nearly_every_real_eye_is_normalised(measures):
    assert sum(found is not None for found in measures) >= 0.98 * len(measures)


def test_circles_of_real_eyes_are_those_of_eyes(measures):
    found = [one for one in measures if one is not None]
    sane = [
        one
        for one in found
        if 0.2 < one["dilation"] < 0.75
        and 45 < one["limbus_radius"] < 70
        and np.hypot(one["pupil_x"] - one["limbus_x"], one["pupil_y"] - one["limbus_y"])
        < 0.15 * one["limbus_radius"]
        and 0 < one["pupil_x"] < 320
        and 0 < one["pupil_y"] < 240
    ]
    assert len(sane) >= 0.98 * len(measures)
