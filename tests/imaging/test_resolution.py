import struct
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from selfsame.errors import CaptureError
from selfsame.imaging.resolution import read_resolution


def save(name: str, **options: object) -> bytes:
    buffer = BytesIO()
    Image.fromarray(np.zeros((40, 40), np.uint8)).save(buffer, name, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["TIFF", "PNG", "JPEG", "BMP"])
@pytest.mark.parametrize("dpi", [300, 500, 569, 1000])
def test_what_a_file_states_is_read(name: str, dpi: int) -> None:
    assert read_resolution(save(name, dpi=(dpi, dpi))) == pytest.approx(dpi, abs=0.1)


def test_px_per_centimetre_become_px_per_inch() -> None:
    metric = {282: 200.0, 283: 200.0, 296: 3}
    assert read_resolution(save("TIFF", tiffinfo=metric)) == pytest.approx(508.0)


@pytest.mark.parametrize("name", ["TIFF", "PNG", "JPEG", "BMP", "PPM", "JPEG2000"])
def test_a_file_that_states_nothing_has_none(name: str) -> None:
    assert read_resolution(save(name)) is None


@pytest.mark.parametrize("name", ["TIFF", "PNG", "JPEG", "BMP"])
@pytest.mark.parametrize("dpi", [1, 49, 72, 96, 4100])
def test_defaults_of_writers_and_what_no_sensor_has_are_not_believed(name: str, dpi: int) -> None:
    assert read_resolution(save(name, dpi=(dpi, dpi))) is None


@pytest.mark.parametrize(("dpi", "expected"), [((500, 501), 500.0), ((500, 250), None), ((72, 500), None)])
def test_axes_have_to_agree(dpi: tuple[int, int], expected: float | None) -> None:
    assert read_resolution(save("TIFF", dpi=dpi)) == expected


def test_a_resolution_divided_by_zero_is_none() -> None:
    data = save("TIFF", dpi=(500, 500))
    stated = struct.pack("<II", 500, 1)
    assert data.count(stated) == 2
    assert read_resolution(data.replace(stated, struct.pack("<II", 500, 0))) is None


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(CaptureError, match="not_an_image"):
        read_resolution(b"dpi: 500")


@given(st.integers(1, 100_000))
def test_what_is_read_is_always_plausible(dpi: int) -> None:
    found = read_resolution(save("PNG", dpi=(dpi, dpi)))
    assert found is None or (50 <= found <= 4000 and found == pytest.approx(dpi, abs=0.1))
