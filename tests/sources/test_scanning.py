import struct
import zlib
from collections.abc import Iterator, Mapping
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from selfsame.errors import InputError, SourceLostError
from selfsame.imaging.decoding import Decoded, decode
from selfsame.sources.layouts import Layout, PathPattern
from selfsame.sources.limits import Limits
from selfsame.sources.scanning import scan
from selfsame.sources.source import RawFile
from selfsame.sources.tables import CANDIDATES, REJECTED

LIMITS = Limits(max_bytes=100_000, max_pixels=100_000, min_side_px=32)
LAYOUT = Layout(
    "test",
    [
        PathPattern(
            r"(?P<s>\d+)/(?P<m>iris_left|fingerprint)/(?P<c>\d+)\.[^.]+",
            {"subject": "{s}", "modality": "{m}", "instance": "left", "capture": "{c}"},
            {},
        )
    ],
)


class MemorySource:
    """Files in a mapping; reading `None` fails as a broken disk does."""

    root = "memory"

    def __init__(
        self, contents: Mapping[str, bytes | None], problems: Mapping[str, str] | None = None
    ) -> None:
        self.contents = contents
        self.problems = problems or {}
        self.read_paths: list[str] = []
        self.sizeless: set[str] = set()
        self.most_read = 0

    def files(self) -> Iterator[RawFile]:
        for path in sorted(self.contents):
            size = 0 if path in self.sizeless else len(self.contents[path] or b"?")
            yield RawFile(path, size, self.problems.get(path))

    def read(self, path: str, *, at_most: int | None = None) -> bytes:
        self.read_paths.append(path)
        content = self.contents[path]
        if content is None:
            raise PermissionError(13, "Permission denied")
        self.most_read = max(self.most_read, len(content[:at_most]))
        return content[:at_most]


def picture(height: int = 48, width: int = 64, name: str = "PNG", seed: int = 0) -> bytes:
    buffer = BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, name)
    return buffer.getvalue()


def png_that_declares(side: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 9)) + chunk(b"IEND", b"")


def scan_all(source: MemorySource, workers: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    return scan(source, list(source.files()), LAYOUT, LIMITS, workers)


BAD = {
    "1/desktop.ini": (b"[.ShellClassInfo]", "not_an_image"),
    "1/.DS_Store": (b"\0\0\0\1Bud1", "not_an_image"),
    "1/iris_left/10.bmp": (b"BM begins this text as it begins a picture, and it ends too early", "truncated"),
    "1/iris_left/11.png": (b"", "empty"),
    "1/iris_left/12.png": (picture()[:900], "truncated"),
    "1/iris_left/13.png": (png_that_declares(30_000), "too_large"),
    "1/iris_left/14.png": (b"\x89PNG" * 30_000, "too_large"),
    "1/iris_left/15.png": (picture(31, 64), "too_small"),
    "1/iris_left/16.bmp": (b"plain text named .bmp", "not_an_image"),
    "1/iris_left/17.png": (None, "unreadable"),
    "1/iris_left/18.png": (b"PK\x03\x04 named .png", "archive"),
    "1/elsewhere/1.png": (picture(seed=9), "unmatched_name"),
    "backup.zip": (b"not even read", "archive"),
    "old.tar.gz": (b"not even read", "archive"),
}


def test_every_bad_file_becomes_a_row_with_its_reason_and_the_good_ones_go_on() -> None:
    good = {"1/iris_left/1.png": picture(seed=1), "1/fingerprint/2.bmp": picture(name="BMP", seed=2)}
    source = MemorySource(good | {path: content for path, (content, _) in BAD.items()})
    candidates, refused = scan_all(source)
    assert sorted(candidates["path"]) == sorted(good)
    assert dict(zip(refused["path"], refused["reason"], strict=True)) == {
        path: reason for path, (_, reason) in BAD.items()
    }
    assert refused["detail"].str.len().min() > 10
    assert list(candidates.columns) == list(CANDIDATES)
    assert list(refused.columns) == list(REJECTED)


def test_archives_too_large_files_and_problems_are_never_read() -> None:
    contents = {"a.zip": b"x", "big.png": b"x" * 200_000, "link.png": b"x"}
    source = MemorySource(contents, {"link.png": "link_outside_root"})
    _, refused = scan_all(source)
    assert source.read_paths == []
    assert refused["reason"].tolist() == ["archive", "too_large", "link_outside_root"]


def test_a_file_whose_size_nobody_knows_is_not_read_beyond_the_limit() -> None:
    source = MemorySource({"1/iris_left/1.png": picture() + b"\0" * 500_000})
    source.sizeless = {"1/iris_left/1.png"}
    _, refused = scan_all(source)
    assert refused["reason"].tolist() == ["too_large"]
    assert source.most_read == LIMITS.max_bytes + 1


@pytest.mark.parametrize("error", [ZeroDivisionError("a bug\nin a plug-in"), InputError("expected a path")])
def test_an_error_that_nobody_foresaw_costs_one_file_and_not_the_scan(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def decode_or_fail(data: bytes, *, max_pixels: int) -> Decoded:
        if data == b"odd":
            raise error
        return decode(data, max_pixels=max_pixels)

    monkeypatch.setattr("selfsame.sources.scanning.decode", decode_or_fail)
    contents = {"1/iris_left/1.png": b"odd", "1/iris_left/2.png": picture()}
    candidates, refused = scan_all(MemorySource(contents))
    assert candidates["path"].tolist() == ["1/iris_left/2.png"]
    assert refused["reason"].tolist() == ["unexpected"]
    detail = refused["detail"].item()
    assert detail == f"{type(error).__name__}: {' '.join(str(error).split())}"


def test_where_the_whole_source_is_lost_no_file_is_refused() -> None:
    class Lost(MemorySource):
        def read(self, path: str, *, at_most: int | None = None) -> bytes:
            raise SourceLostError("expected captures in memory, but the folder is gone")

    with pytest.raises(SourceLostError, match="the folder is gone"):
        scan_all(Lost({"1/iris_left/1.png": picture()}))


def test_a_row_describes_its_capture() -> None:
    data = picture(40, 50)
    candidates, _ = scan_all(MemorySource({"7/iris_left/3.dat": data}))
    row = candidates.iloc[0]
    assert row[["subject_id", "modality", "instance", "capture_index"]].tolist() == [
        "7",
        "iris_left",
        "left",
        3,
    ]
    assert row[["format", "width", "height", "bytes"]].tolist() == ["PNG", 50, 40, len(data)]
    assert row["capture_id"] == row["sha256"][:24]
    assert row["brightness"] == pytest.approx(0.5, abs=0.05)


def test_a_row_has_the_resolution_that_its_file_states_or_none() -> None:
    buffer = BytesIO()
    Image.fromarray(np.zeros((40, 50), np.uint8)).save(buffer, "TIFF", dpi=(569, 569))
    contents = {"1/fingerprint/1.tif": buffer.getvalue(), "1/fingerprint/2.png": picture()}
    candidates, _ = scan_all(MemorySource(contents))
    assert candidates["resolution_dpi"].tolist() == pytest.approx([569.0, np.nan], nan_ok=True)


def test_measures_are_null_where_the_modality_does_not_offer_them() -> None:
    source = MemorySource({"1/iris_left/1.png": picture(), "1/fingerprint/1.png": picture(seed=1)})
    candidates, _ = scan_all(source)
    given = candidates.set_index("modality").notna()
    assert given.loc["iris_left", ["sharpness", "focus", "highlight_share"]].all()
    assert not given.loc["iris_left", ["foreground_share", "ridge_coherence"]].any()
    assert given.loc["fingerprint", ["sharpness", "foreground_share", "ridge_coherence"]].all()
    assert not given.loc["fingerprint", ["focus", "highlight_share"]].any()


def test_threads_give_the_same_rows_in_the_same_order() -> None:
    contents = {f"{n}/iris_left/1.png": picture(seed=n) for n in range(20)} | {"x.txt": b"x"}
    for one, many in zip(scan_all(MemorySource(contents)), scan_all(MemorySource(contents), 4), strict=True):
        pd.testing.assert_frame_equal(one, many)
