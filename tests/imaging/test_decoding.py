import struct
import warnings
import zlib
from contextlib import suppress
from io import BytesIO
from itertools import product

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from selfsame.errors import CaptureError
from selfsame.imaging.decoding import decode, decode_grey

CAP = 1_000_000


def encode(pixels: np.ndarray, name: str, mode: str = "L", **options: object) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, name, **options)
    return buffer.getvalue()


def ramp() -> np.ndarray:
    return np.arange(48 * 64, dtype=np.uint8).reshape(48, 64)


def png_that_declares(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def reason_of(data: bytes) -> str:
    with pytest.raises(CaptureError) as caught:
        decode(data, max_pixels=CAP)
    return caught.value.reason


@pytest.mark.parametrize("name", ["BMP", "PNG", "TIFF", "PPM"])
def test_lossless_formats_give_back_their_grey_levels(name: str) -> None:
    decoded = decode(encode(ramp(), name), max_pixels=CAP)
    assert decoded.format == name
    np.testing.assert_array_equal(decoded.grey, ramp())


@pytest.mark.parametrize("way", ["raw", "tiff_lzw", "packbits", "tiff_adobe_deflate"])
def test_tiff_gives_back_its_grey_levels_however_it_is_packed(way: str) -> None:
    np.testing.assert_array_equal(
        decode_grey(encode(ramp(), "TIFF", compression=way), max_pixels=CAP), ramp()
    )


def plain_tiff(order: str, photometric: int, **tags: int) -> bytes:
    """One strip before its directory, and no word about the resolution: how FVC's files are written."""
    height, width = ramp().shape
    numbers = {256: width, 257: height, 258: 8, 259: 1, 262: photometric, 273: 8, 277: 1, 278: height}
    numbers |= {279: height * width} | {int(tag[1:]): value for tag, value in tags.items()}
    entries = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, numbers[tag]) for tag in sorted(numbers))
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}I", 8 + height * width)
    return head + ramp().tobytes() + struct.pack(f"{order}H", len(numbers)) + entries + bytes(4)


@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_of_either_byte_order_and_photometric_gives_the_levels_that_are_meant(order: str) -> None:
    np.testing.assert_array_equal(decode_grey(plain_tiff(order, 1), max_pixels=CAP), ramp())
    np.testing.assert_array_equal(decode_grey(plain_tiff(order, 0), max_pixels=CAP), 255 - ramp())


def test_a_big_tiff_is_a_tiff() -> None:
    data = encode(ramp(), "TIFF", big_tiff=True)
    assert data.startswith(b"II+")
    np.testing.assert_array_equal(decode_grey(data, max_pixels=CAP), ramp())


def test_a_tiff_that_declares_a_huge_picture_is_too_large() -> None:
    assert reason_of(plain_tiff("<", 1, t256=60_000)) == "too_large"


@pytest.mark.parametrize(
    "data", [b"P2\n# by hand\n2 2\n255\n0 128\n255 7\n", b"P5\n# by hand\n2 2\n255\n\x00\x80\xff\x07"]
)
def test_pgm_with_comments_gives_its_grey_levels(data: bytes) -> None:
    assert decode_grey(data, max_pixels=CAP).tolist() == [[0, 128], [255, 7]]


def test_colour_jpeg_has_the_luma_that_opencv_reads() -> None:
    y, x = np.mgrid[:60, :80]
    colours = np.stack([3 * x, 4 * y, 255 - 3 * x], axis=-1).astype(np.uint8)
    data = cv2.imencode(".jpg", colours)[1].tobytes()
    np.testing.assert_array_equal(
        decode_grey(data, max_pixels=CAP), cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    )


def test_jpeg_keeps_grey_levels_nearly() -> None:
    smooth = np.add.outer(np.arange(48), np.arange(64)).astype(np.uint8)
    found = decode_grey(encode(smooth, "JPEG", quality=95), max_pixels=CAP)
    assert np.abs(found.astype(int) - smooth).max() <= 3


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P"])
def test_a_grey_picture_is_the_same_in_every_mode(mode: str) -> None:
    np.testing.assert_array_equal(decode_grey(encode(ramp(), "PNG", mode), max_pixels=CAP), ramp())


@given(st.integers(0, 999))
def test_lossless_formats_of_one_picture_give_the_same_levels(seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    kinds = [*product(["BMP", "PNG", "TIFF"], ["RGB", "RGBA"]), ("PPM", "RGB")]
    first, *others = [decode_grey(encode(pixels, *kind), max_pixels=CAP) for kind in kinds]
    for other in others:
        np.testing.assert_array_equal(other, first)


def test_a_palette_of_colours_gives_the_levels_of_its_colours() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    palette = Image.fromarray(pixels).quantize(64)
    files = [BytesIO(), BytesIO()]
    palette.save(files[0], "PNG")
    palette.convert("RGB").save(files[1], "BMP")
    by_palette, by_colour = (decode_grey(file.getvalue(), max_pixels=CAP) for file in files)
    np.testing.assert_array_equal(by_palette, by_colour)


def test_colour_becomes_luma() -> None:
    green = np.zeros((4, 4, 3), dtype=np.uint8)
    green[..., 1] = 255
    grey = decode_grey(encode(green, "BMP", "RGB"), max_pixels=CAP)
    assert set(np.unique(grey)) == {150}  # 0.587 * 255 = 149.7


def test_a_small_file_that_declares_a_huge_picture_is_too_large() -> None:
    data = png_that_declares(30_000, 30_000)
    assert len(data) < 200
    with pytest.raises(CaptureError, match="30000x30000") as caught:
        decode(data, max_pixels=CAP)
    assert caught.value.reason == "too_large"


@pytest.mark.filterwarnings("error")
def test_pillow_never_warns_about_a_huge_picture() -> None:
    assert reason_of(png_that_declares(30_000, 30_000)) == "too_large"


def test_what_pillow_warns_of_is_not_shown_and_other_warnings_are() -> None:
    buffer = BytesIO()
    odd = Image.fromarray(ramp()).convert("P")
    odd.save(buffer, "PNG", transparency=bytes(range(256)))
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        Image.open(buffer).convert("RGB")
        assert len(shown) == 1  # else this picture tests nothing
        decode_grey(buffer.getvalue(), max_pixels=CAP)
        warnings.warn("of somebody else", UserWarning, stacklevel=1)
    assert [str(one.message) for one in shown[1:]] == ["of somebody else"]


def test_the_cap_counts_pixels_and_is_inclusive() -> None:
    data = encode(ramp(), "PNG")
    assert decode_grey(data, max_pixels=48 * 64).shape == (48, 64)
    with pytest.raises(CaptureError, match="at most 3071 pixels"):
        decode_grey(data, max_pixels=48 * 64 - 1)


def test_an_empty_file_is_empty() -> None:
    assert reason_of(b"") == "empty"


@pytest.mark.parametrize(
    "data", [b"[.ShellClassInfo]\r\nIconResource=x", b"hello", b"\0\0\0\1Bud1", b"<html></html>", b"\0" * 100]
)
def test_other_content_is_not_an_image(data: bytes) -> None:
    assert reason_of(data) == "not_an_image"


@pytest.mark.parametrize(
    "data",
    [b"PK\x03\x04....", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b\x08", b"\0" * 257 + b"ustar\0", b"Rar!\x1a\x07\0"],
)
def test_archives_are_recognised_and_not_opened(data: bytes) -> None:
    assert reason_of(data) == "archive"


@pytest.mark.parametrize("mode", ["CMYK", "F"])
def test_modes_without_one_meaning_of_grey_are_refused(mode: str) -> None:
    assert reason_of(encode(ramp(), "TIFF", mode)) == "unsupported_mode"


def test_sixteen_bit_pixels_are_refused() -> None:
    buffer = BytesIO()
    Image.fromarray(np.ones((8, 8), np.uint16)).save(buffer, "PNG")
    assert reason_of(buffer.getvalue()) == "unsupported_mode"


@pytest.mark.parametrize("name", ["BMP", "PNG", "JPEG", "TIFF"])
def test_half_a_file_is_truncated(name: str) -> None:
    data = encode(ramp(), name)
    assert reason_of(data[: len(data) // 2]) == "truncated"


def test_a_bmp_that_is_cut_inside_its_header_is_truncated() -> None:
    assert reason_of(encode(ramp(), "BMP")[:20]) == "truncated"


def test_a_png_with_a_broken_checksum_failed_to_decode() -> None:
    data = bytearray(encode(ramp(), "PNG"))
    data[30] ^= 0xFF  # inside the CRC of the header chunk
    assert reason_of(bytes(data)) == "decode_failed"


@given(st.sampled_from(["BMP", "PNG", "JPEG", "TIFF", "PPM", "JPEG2000"]), st.data())
def test_damage_never_escapes_as_another_error(name: str, data: st.DataObject) -> None:
    content = bytearray(encode(ramp()[:16, :16], name))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(CaptureError):
        assert decode_grey(bytes(content), max_pixels=CAP).ndim == 2
