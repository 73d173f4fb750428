"""Decoding: from the bytes of an image file to grey levels, or to the reason why not.

The header is read first and the number of pixels is checked before any pixel is decoded, so that a small file
which declares a huge picture costs nothing. Pillow's plug-ins are called directly, by the file's magic bytes:
its own warning about huge pictures depends on global state and is never reached.
"""

import re
import struct
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import (
    BmpImagePlugin,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
)

from selfsame.errors import CaptureError
from selfsame.imaging.bmp import read_plain_bmp
from selfsame.imaging.pgm import read_plain_pgm

Opener = Callable[[BytesIO, str], ImageFile.ImageFile]

_OPENERS: tuple[tuple[bytes, Opener], ...] = (
    (b"BM", BmpImagePlugin.BmpImageFile),
    (b"\x89PNG\r\n\x1a\n", PngImagePlugin.PngImageFile),
    (b"\xff\xd8\xff", JpegImagePlugin.JpegImageFile),
    (b"II*\x00", TiffImagePlugin.TiffImageFile),
    (b"MM\x00*", TiffImagePlugin.TiffImageFile),
    (b"II+\x00", TiffImagePlugin.TiffImageFile),  # BigTIFF
    (b"MM\x00+", TiffImagePlugin.TiffImageFile),
    (b"P2", PpmImagePlugin.PpmImageFile),
    (b"P3", PpmImagePlugin.PpmImageFile),
    (b"P5", PpmImagePlugin.PpmImageFile),
    (b"P6", PpmImagePlugin.PpmImageFile),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", Jpeg2KImagePlugin.Jpeg2KImageFile),
    (b"\xff\x4f\xff\x51", Jpeg2KImagePlugin.Jpeg2KImageFile),
)

# Modes whose grey levels have one meaning on 0..255. Deeper pixels would need a scale that the file does not
# state, and the inks of CMYK need a colour profile.
_GREY_MODES = frozenset({"1", "L", "LA", "YCbCr"})
_COLOUR_MODES = frozenset({"P", "PA", "RGB", "RGBA", "RGBX"})

_PILLOW = re.compile(r"PIL\.")  # the modules whose warnings the reasons of this module replace

_ARCHIVE_MAGIC = (
    b"PK\x03\x04",  # zip
    b"PK\x05\x06",  # empty zip
    b"7z\xbc\xaf\x27\x1c",
    b"\x1f\x8b",  # gzip
    b"BZh",
    b"\xfd7zXZ\x00",
    b"Rar!\x1a\x07",
    b"\x28\xb5\x2f\xfd",  # zstd
)
_TAR_MAGIC_OFFSET = 257  # POSIX.1-1988: "ustar" stands at this offset of a member's header

# What Pillow's plug-ins raise on damaged files (the list in Image.open, and what decoding itself adds).
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    LookupError,
    TypeError,
    EOFError,
    OverflowError,
    struct.error,
    zlib.error,
)
_CUT_SHORT = (EOFError, IndexError, struct.error)


@dataclass(frozen=True)
class Decoded:
    """A decoded capture.

    Attributes:
        grey: (height, width) uint8 luma of the first frame: grey as it is, colours as 0.299 R + 0.587 G +
            0.114 B (ITU-R BT.601) in OpenCV's integers, whatever the format, so that one picture has the same
            levels in every lossless format. Transparency and EXIF turns are ignored.
        format: Pillow's name of the file format, such as `BMP`.
    """

    grey: NDArray[np.uint8]
    format: str


def decode_grey(data: bytes, *, max_pixels: int) -> NDArray[np.uint8]:
    """Decode the bytes of an image file to (height, width) uint8 grey levels.

    Raises:
        CaptureError: with the reasons of `decode`.
    """
    return decode(data, max_pixels=max_pixels).grey


def decode(data: bytes, *, max_pixels: int) -> Decoded:
    """Decode the bytes of an image file, its header first.

    Args:
        data: the whole file.
        max_pixels: the most pixels (width times height) that are decoded.

    Raises:
        CaptureError: `empty`, `archive`, `not_an_image`, `too_large`, `unsupported_mode`, `truncated` or
            `decode_failed`.
    """
    plain = read_plain_bmp(data, max_pixels=max_pixels)
    if plain is not None:
        return Decoded(plain, "BMP")
    plain = read_plain_pgm(data, max_pixels=max_pixels)
    if plain is not None:
        return Decoded(plain, "PPM")
    _silence_pillow()
    image = read_header(data)
    width, height = image.size
    name = image.format or "image"
    if width * height > max_pixels:
        raise CaptureError(
            "too_large", f"expected at most {max_pixels} pixels, the header declares {width}x{height}"
        )
    if image.mode not in _GREY_MODES | _COLOUR_MODES:
        raise CaptureError(
            "unsupported_mode",
            f"expected 8 bits of grey or RGB, got mode {image.mode}: convert the {name} file",
        )
    try:
        grey = _measure_luma(image)
    except _DAMAGE as error:
        raise _damaged(name, error) from error
    return Decoded(grey, name)


def read_header(data: bytes) -> ImageFile.ImageFile:
    """Open an image without decoding a pixel; the format is recognised by content, never by suffix.

    Raises:
        CaptureError: `empty`, `archive`, `not_an_image`, `truncated` or `decode_failed`.
    """
    if not data:
        raise CaptureError("empty", "expected an image, got a file of 0 bytes")
    if is_archive(data):
        raise CaptureError(
            "archive", "expected an image, got an archive: unpack it beside the other captures"
        )
    for magic, opener in _OPENERS:
        if data.startswith(magic):
            try:
                return opener(BytesIO(data), "")
            except _DAMAGE as error:
                raise _damaged("image", error) from error
    raise CaptureError(
        "not_an_image", "expected BMP, PNG, JPEG, JPEG 2000, TIFF or PGM/PPM, got other content"
    )


def is_archive(data: bytes) -> bool:
    """Tell whether the bytes begin as those of an archive or a compressed file; nothing is unpacked."""
    tar = data[_TAR_MAGIC_OFFSET : _TAR_MAGIC_OFFSET + 5] == b"ustar"
    return tar or data.startswith(_ARCHIVE_MAGIC)


def _measure_luma(image: ImageFile.ImageFile) -> NDArray[np.uint8]:
    if isinstance(image, JpegImagePlugin.JpegImageFile) and image.mode == "RGB":
        image.draft("L", image.size)  # the file holds the luma: neither colours nor their way back are needed
    if image.mode in _GREY_MODES:  # the first channel of LA and of YCbCr is the luma
        return np.asarray(image.convert("L"))
    return np.asarray(cv2.cvtColor(np.asarray(image.convert("RGB")), cv2.COLOR_RGB2GRAY), np.uint8)


def _silence_pillow() -> None:
    """Ignore what Pillow's modules warn users of: the outcome is in the rows, not on the terminal.

    The filter stays: `warnings.catch_warnings` is not safe where several threads decode.
    """
    if not any(action == "ignore" and module == _PILLOW for action, _, _, module, _ in warnings.filters):
        warnings.filterwarnings("ignore", category=UserWarning, module=_PILLOW.pattern)


def _damaged(name: str, error: BaseException) -> CaptureError:
    cut = (
        isinstance(error, _CUT_SHORT)
        or isinstance(error.__cause__, _CUT_SHORT)
        or "truncat" in str(error).lower()
    )
    reason = "truncated" if cut else "decode_failed"
    return CaptureError(reason, f"expected a whole {name} file, decoding stopped: {_first_line(error)}")


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
