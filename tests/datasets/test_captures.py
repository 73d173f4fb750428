import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from kedro.io import DatasetError
from kedro.io.core import AbstractDataset

from selfsame.datasets.captures import CapturesDataset
from selfsame.datasets.file_tree import MARKER, FileTree
from selfsame.errors import CaptureError, InputError, SourceLostError

PAIRS = [("s2/iris_left/1.png", b"bb"), ("s1/iris_left/1.png", b"a"), ("s1/iris_left/2.png", b"")]


@pytest.fixture(params=["file", "memory"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "file":
        yield str(tmp_path / "captures")
        return
    memory = fsspec.filesystem("memory")
    yield f"memory://{tmp_path.name}/captures"
    memory.rm(f"/{tmp_path.name}", recursive=True) if memory.exists(f"/{tmp_path.name}") else None


def paths(dataset: CapturesDataset) -> list[str]:
    return [file.path for file in dataset.load().files()]


def test_a_saved_tree_is_listed_in_order_and_read_back(root: str) -> None:
    dataset = CapturesDataset(filepath=root)
    assert not dataset.exists()
    dataset.save(iter(PAIRS))
    tree = dataset.load()
    assert [(file.path, file.size, file.problem) for file in tree.files()] == sorted(
        (path, len(content), None) for path, content in PAIRS
    )
    assert {path: tree.read(path) for path, _ in PAIRS} == dict(PAIRS)
    assert tree.root.removeprefix("memory:///") == root.removeprefix("memory://")


def test_a_tree_that_goes_away_is_told_and_no_single_file_is(root: str) -> None:
    CapturesDataset(filepath=root).save(iter(PAIRS))
    tree = CapturesDataset(filepath=root).load()
    tree.remove()
    with pytest.raises(SourceLostError, match="the folder is gone, or empty, since its files were listed"):
        tree.read("s1/iris_left/1.png")


def test_an_unmounted_tree_is_told_and_a_single_lost_file_is_not(tmp_path: Path) -> None:
    CapturesDataset(filepath=str(tmp_path / "captures")).save(iter(PAIRS))
    tree = CapturesDataset(filepath=str(tmp_path / "captures")).load()
    (tmp_path / "captures/s1/iris_left/1.png").unlink()
    with pytest.raises(FileNotFoundError):
        tree.read("s1/iris_left/1.png")
    shutil.rmtree(tmp_path / "captures")
    (tmp_path / "captures").mkdir()
    with pytest.raises(SourceLostError):
        tree.read("s2/iris_left/1.png")


class Closed(MemoryFileSystem):
    """A store that lets nobody in."""

    cachable = False

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: object) -> bytes:
        raise PermissionError("wrong key")

    def isdir(self, path: str) -> bool:
        raise PermissionError("wrong key")


def test_a_store_without_access_is_told_and_no_single_capture_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FileTree, "_filesystem", lambda tree: Closed())
    with pytest.raises(
        SourceLostError, match=r"s3://bucket/captures, but .* no access .*PermissionError: wrong"
    ):
        FileTree("s3", "bucket/captures").read("s1/1.png")


@pytest.mark.parametrize("interrupted_at", [1, 2], ids=["the old one moved away", "the new one moved in"])
def test_a_replacement_that_is_interrupted_leaves_one_tree_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupted_at: int
) -> None:
    dataset = CapturesDataset(filepath=str(tmp_path / "captures"))
    dataset.save(iter(PAIRS))
    rename, renamed = Path.rename, []

    def rename_and_stop(path: Path, target: str) -> Path:
        moved = rename(path, target)
        renamed.append(path.name)
        if len(renamed) == interrupted_at:
            raise KeyboardInterrupt
        return moved

    monkeypatch.setattr(Path, "rename", rename_and_stop)
    with pytest.raises(KeyboardInterrupt):
        dataset.save(iter([("only/iris_left/1.png", b"new")]))
    assert [path.name for path in tmp_path.iterdir()] == ["captures"]
    assert len(paths(dataset)) == {1: len(PAIRS), 2: 1}[interrupted_at]


def test_a_tree_survives_pickling(root: str) -> None:
    CapturesDataset(filepath=root).save(iter(PAIRS))
    tree = pickle.loads(pickle.dumps(CapturesDataset(filepath=root).load()))  # noqa: S301
    assert tree.read("s2/iris_left/1.png") == b"bb"


def test_a_missing_root_says_what_to_do(root: str) -> None:
    with pytest.raises(
        DatasetError, match=r"found nothing: put captures there, or give --params=captures=PATH"
    ) as caught:
        CapturesDataset(filepath=root).load()
    assert isinstance(caught.value.__cause__, InputError)


def test_a_root_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "captures").write_text("a file")
    with pytest.raises(DatasetError, match=r"expected a folder of captures at .*, found a file: put"):
        CapturesDataset(filepath=str(tmp_path / "captures")).load()


def test_a_root_without_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty" / "deeper").mkdir(parents=True)
    with pytest.raises(DatasetError, match="found no file"):
        CapturesDataset(filepath=str(tmp_path / "empty")).load()


def test_a_sample_of_its_own_is_replaced(root: str) -> None:
    dataset = CapturesDataset(filepath=root)
    dataset.save(iter(PAIRS))
    dataset.save(iter([("only/iris_left/1.png", b"new")]))
    assert paths(dataset) == ["only/iris_left/1.png"]


def test_a_folder_of_someone_else_is_never_replaced(root: str) -> None:
    dataset = CapturesDataset(filepath=root)
    dataset.save(iter(PAIRS))
    with fsspec.open(f"{root}/s1/mine.png", "wb") as file:
        file.write(b"precious")
    with pytest.raises(DatasetError, match="found other files"):
        dataset.save(iter([("x.png", b"")]))
    assert "s1/mine.png" in paths(dataset)


def test_a_sample_with_a_file_edited_to_the_same_size_is_never_replaced(root: str) -> None:
    dataset = CapturesDataset(filepath=root)
    dataset.save(iter(PAIRS))
    with fsspec.open(f"{root}/s2/iris_left/1.png", "wb") as file:
        file.write(b"xx")
    with pytest.raises(DatasetError, match="found other files"):
        dataset.save(iter([("x.png", b"")]))
    assert dataset.load().read("s2/iris_left/1.png") == b"xx"


def test_a_folder_without_a_marker_is_refused_before_any_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "large.png").write_bytes(b"x")
    monkeypatch.setattr("selfsame.datasets.file_tree.TreeDigest.add", pytest.fail)
    with pytest.raises(DatasetError, match="found other files"):
        CapturesDataset(filepath=str(tmp_path)).save(iter(PAIRS))


@pytest.mark.parametrize("path", ["../x.png", "a/../../x.png", "/etc/x.png", ""])
def test_paths_that_leave_the_root_are_refused(root: str, path: str) -> None:
    with pytest.raises(DatasetError, match="relative path below the root"):
        CapturesDataset(filepath=root).save(iter([(path, b"x")]))
    assert not CapturesDataset(filepath=root).exists()


def test_the_same_path_twice_is_refused(root: str) -> None:
    with pytest.raises(DatasetError, match=r"'a.png' twice"):
        CapturesDataset(filepath=root).save(iter([("a.png", b"x"), ("a.png", b"y")]))


def test_a_failing_stream_leaves_nothing_and_keeps_what_was_there(tmp_path: Path) -> None:
    def failing() -> Iterator[tuple[str, bytes]]:
        yield ("a.png", b"x")
        raise ValueError("the stream broke")

    dataset = CapturesDataset(filepath=str(tmp_path / "captures"))
    dataset.save(iter(PAIRS))
    with pytest.raises(DatasetError, match="the stream broke"):
        dataset.save(failing())
    assert len(paths(dataset)) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["captures"]


def test_what_a_killed_process_left_does_not_mix_in(tmp_path: Path) -> None:
    (tmp_path / ".captures.partial").mkdir()
    (tmp_path / ".captures.partial" / "stale.png").write_bytes(b"x")
    dataset = CapturesDataset(filepath=str(tmp_path / "captures"))
    dataset.save(iter(PAIRS))
    assert len(paths(dataset)) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["captures"]


def test_an_error_of_the_stream_is_not_told_as_one_of_the_folder(root: str) -> None:
    def stop() -> Iterator[tuple[str, bytes]]:
        yield "s1/1.png", b"1"
        raise OSError("the scanner went away")

    with pytest.raises(DatasetError, match="the scanner went away") as raised:
        CapturesDataset(filepath=root).save(stop())
    assert not isinstance(raised.value.__cause__, InputError)


def test_an_empty_stream_is_refused(root: str) -> None:
    with pytest.raises(DatasetError, match="got none"):
        CapturesDataset(filepath=root).save(iter([]))


def test_the_marker_is_never_listed(tmp_path: Path) -> None:
    dataset = CapturesDataset(filepath=str(tmp_path / "captures"))
    dataset.save(iter(PAIRS))
    assert (tmp_path / "captures" / MARKER).is_file()
    assert MARKER not in paths(dataset)


def test_links_that_leave_the_root_are_listed_with_their_problem(tmp_path: Path) -> None:
    root, outside = tmp_path / "captures", tmp_path / "outside"
    (root / "s1").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret.bmp").write_bytes(b"x")
    (root / "s1" / "good.bmp").write_bytes(b"x")
    (root / "s1" / "within.bmp").symlink_to(root / "s1" / "good.bmp")
    (root / "s1" / "file.bmp").symlink_to(outside / "secret.bmp")
    (root / "s1" / "broken.bmp").symlink_to(outside / "absent.bmp")
    (root / "s1" / "loop").symlink_to(root)
    (root / "s1" / "folder").symlink_to(outside)
    problems = {file.path: file.problem for file in CapturesDataset(filepath=str(root)).load().files()}
    assert problems == {
        "s1/broken.bmp": "unreadable",
        "s1/file.bmp": "link_outside_root",
        "s1/folder": "link_outside_root",
        "s1/good.bmp": None,
        "s1/loop": "link_to_folder",
        "s1/within.bmp": None,
    }


def test_a_root_that_is_itself_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.bmp").write_bytes(b"x")
    (tmp_path / "captures").symlink_to(tmp_path / "real")
    files = list(CapturesDataset(filepath=str(tmp_path / "captures")).load().files())
    assert [(file.path, file.problem) for file in files] == [("a.bmp", None)]


def test_pipes_and_names_that_are_not_unicode_are_listed_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.bmp")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.bmp")).write_bytes(b"x")
    problems = {file.path: file.problem for file in CapturesDataset(filepath=str(tmp_path)).load().files()}
    assert problems == {"caf\\xe9.bmp": "bad_name", "pipe.bmp": "unreadable"}


def test_a_file_that_became_a_link_out_of_the_root_since_it_was_listed_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"x")
    (tmp_path / "captures" / "s1").mkdir(parents=True)
    (tmp_path / "captures" / "s1" / "a.bmp").write_bytes(b"a")
    tree = CapturesDataset(filepath=str(tmp_path / "captures")).load()
    (file,) = tree.files()
    shutil.rmtree(tmp_path / "captures" / "s1")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.bmp").write_bytes(b"secret")
    (tmp_path / "captures" / "s1").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CaptureError, match="got a link elsewhere"):
        tree.read(file.path)


def test_a_file_that_became_a_pipe_since_it_was_listed_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "a.bmp").write_bytes(b"a")
    tree = CapturesDataset(filepath=str(tmp_path)).load()
    (file,) = tree.files()
    (tmp_path / "a.bmp").unlink()
    os.mkfifo(tmp_path / "a.bmp")
    with pytest.raises(CaptureError, match=r"expected a file at a\.bmp, got something else"):
        tree.read(file.path)


@pytest.mark.parametrize(("at_most", "expected"), [(None, b"0123456789"), (4, b"0123"), (99, b"0123456789")])
def test_no_more_is_read_than_asked_for(root: str, at_most: int | None, expected: bytes) -> None:
    dataset = CapturesDataset(filepath=root)
    dataset.save(iter([("a.png", b"0123456789")]))
    assert dataset.load().read("a.png", at_most=at_most) == expected


class OddStore(MemoryFileSystem):
    """A store whose keys may be anything, and which gives no sizes."""

    protocol = "oddstore"

    def find(self, path: str, **_: object) -> dict[str, dict[str, object]]:
        return {f"{path}/{key}": {"size": None} for key in ("a.png", "../b.png", "c/../../d.png")}


def test_keys_of_a_store_that_leave_the_root_and_absent_sizes_stop_no_listing() -> None:
    fsspec.register_implementation("oddstore", OddStore, clobber=True)
    listed = [(file.path, file.size, file.problem) for file in FileTree("oddstore", "/bucket").files()]
    assert listed == [
        ("../b.png", 0, "path_outside_root"),
        ("a.png", 0, None),
        ("c/../../d.png", 0, "path_outside_root"),
    ]


def test_reading_outside_the_root_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.bmp").write_bytes(b"x")
    with pytest.raises(InputError, match="below the root"):
        CapturesDataset(filepath=str(tmp_path)).load().read("../a.bmp")


def automatic(tmp_path: Path, path: str | None = None) -> AbstractDataset:
    entry = {
        "type": "selfsame.datasets.captures.CapturesDataset",
        "filepath": str(tmp_path / "captures"),
        "new": {"path": path},
    }
    return AbstractDataset.from_config("new_captures", entry)


def test_new_captures_are_in_the_neighbour_of_the_captures_where_it_exists(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    CapturesDataset(filepath=str(tmp_path / "captures")).save(iter(PAIRS))
    caplog.set_level("INFO")
    assert automatic(tmp_path).load().root == str(tmp_path / "captures")
    CapturesDataset(filepath=str(tmp_path / "new_captures")).save(iter(PAIRS))
    assert automatic(tmp_path).load().root == str(tmp_path / "new_captures")
    assert f"new_captures: using {tmp_path / 'new_captures'}" in caplog.text


def test_new_captures_with_neither_folder_name_the_setting_of_the_captures(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"at \S+/captures, found nothing.*--params=captures=PATH"):
        automatic(tmp_path).load()


def test_new_captures_are_written_beside_the_captures(tmp_path: Path) -> None:
    CapturesDataset(filepath=str(tmp_path / "captures")).save(iter(PAIRS))
    automatic(tmp_path).save(iter([("new/iris_left/1.png", b"n")]))
    assert [file.path for file in automatic(tmp_path).load().files()] == ["new/iris_left/1.png"]
    assert len(paths(CapturesDataset(filepath=str(tmp_path / "captures")))) == 3


def test_an_explicit_folder_that_is_missing_is_refused_in_spite_of_alternatives(tmp_path: Path) -> None:
    CapturesDataset(filepath=str(tmp_path / "captures")).save(iter(PAIRS))
    with pytest.raises(DatasetError, match=r"typo, found nothing.*--params=new_captures=PATH"):
        automatic(tmp_path, str(tmp_path / "typo")).load()


def test_new_captures_may_be_in_a_folder_of_any_name(tmp_path: Path) -> None:
    for name in ("captures", "new_captures", "auto"):
        CapturesDataset(filepath=str(tmp_path / name)).save(iter(PAIRS))
    assert automatic(tmp_path, str(tmp_path / "auto")).load().root == str(tmp_path / "auto")


def test_reading_captures_imports_neither_kedro_nor_pandas() -> None:
    """Worker processes read captures and nothing else: what they do not import, they start without."""
    code = (
        "import sys, selfsame.datasets.file_tree; print(*sys.modules.keys() & {'kedro', 'pandas', 'torch'})"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
