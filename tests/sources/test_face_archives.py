import pickle
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from selfsame.datasets.captures import CapturesDataset
from selfsame.errors import InputError
from selfsame.imaging.decoding import decode_grey
from selfsame.sources.face_archives import FaceArchive, open_archive, read_matlab_faces


@pytest.fixture
def faces() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (20, 64, 64), dtype=np.uint8)


@pytest.fixture
def archive(faces: np.ndarray, tmp_path: Path) -> Path:
    path = tmp_path / "olivettifaces.mat"
    columns = faces.transpose(0, 2, 1).reshape(len(faces), -1).T
    savemat(path, {"faces": columns.astype(np.float64)})
    return path


def test_faces_are_files_by_person_and_capture_without_loss(archive: Path, faces: np.ndarray):
    source = open_archive(str(archive))
    assert source is not None
    files = {file.path: file.size for file in source.files()}
    assert len(files) == 20
    assert list(files) == sorted(files)
    for row, path in ((0, "s1/1.png"), (9, "s1/10.png"), (10, "s2/1.png")):
        data = source.read(path)
        assert len(data) == files[path]
        np.testing.assert_array_equal(decode_grey(data, max_pixels=10_000), faces[row])


def test_dataset_opens_an_archive_where_a_folder_is_expected(archive: Path):
    dataset = CapturesDataset(filepath=str(archive))
    assert len(list(dataset.load().files())) == 20
    assert dataset.exists()


def test_archive_is_read_again_in_another_process(archive: Path):
    source = open_archive(str(archive))
    assert source is not None
    whole = source.read("s1/1.png")
    copy = pickle.loads(pickle.dumps(source))  # noqa: S301  made in this test
    assert len(pickle.dumps(source)) < 1000
    assert copy.read("s1/1.png", at_most=8) == whole[:8]


def test_folder_is_no_archive(tmp_path: Path):
    (tmp_path / "faces.mat").mkdir()
    assert open_archive(str(tmp_path)) is None
    assert open_archive(str(tmp_path / "faces.mat")) is None


def test_missing_archive_is_refused_with_what_to_do(tmp_path: Path):
    with pytest.raises(InputError, match=r"expected a file of faces at .*, found nothing: put"):
        open_archive(str(tmp_path / "none.mat"))


def test_unknown_face_is_no_file(archive: Path):
    source = open_archive(str(archive))
    assert source is not None
    with pytest.raises(FileNotFoundError):
        source.read("s3/1.png")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"other": np.zeros((4096, 10))}, "found no such numbers"),
        ({"faces": np.zeros((4096, 7))}, r"got \(4096, 7\)"),
        ({"faces": np.zeros((100, 10))}, r"got \(100, 10\)"),
    ],
)
def test_file_of_something_else_is_refused(tmp_path: Path, content: dict[str, np.ndarray], message: str):
    savemat(tmp_path / "x.mat", content)
    with pytest.raises(InputError, match=message):
        read_matlab_faces(str(tmp_path / "x.mat"))


@pytest.mark.parametrize("content", [b"", b"no matlab file at all", b"MATLAB 5.0 MAT-file" + bytes(200)])
def test_damaged_file_is_refused_in_one_line(tmp_path: Path, content: bytes):
    (tmp_path / "x.mat").write_bytes(content)
    with pytest.raises(InputError, match=r"get it anew|found no such numbers") as caught:
        read_matlab_faces(str(tmp_path / "x.mat"))
    assert "\n" not in str(caught.value)


def test_fetch_without_a_network_says_what_to_do(monkeypatch: pytest.MonkeyPatch):
    def refuse(**_: object) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setattr("sklearn.datasets.fetch_olivetti_faces", refuse)
    source = open_archive("/project/sklearn:olivetti")
    assert isinstance(source, FaceArchive)
    with pytest.raises(
        InputError, match="Name or service not known: connect to the network, or give a folder"
    ):
        list(source.files())


def test_fetched_faces_have_their_grey_levels_again(monkeypatch: pytest.MonkeyPatch, faces: np.ndarray):
    class Bunch:
        images = (faces / np.float32(255)).astype(np.float32)

    monkeypatch.setattr("sklearn.datasets.fetch_olivetti_faces", lambda **_: Bunch)
    source = open_archive("sklearn:olivetti")
    assert source is not None
    np.testing.assert_array_equal(decode_grey(source.read("s2/3.png"), max_pixels=10_000), faces[12])
