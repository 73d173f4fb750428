"""Folders are made where there are folders; a misspelt bucket is never made."""

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from selfsame.datasets.stores import make_folder


class Folders(MemoryFileSystem):
    """Keeps what it was asked to make."""

    cachable = False

    def __init__(self) -> None:
        super().__init__()
        self.made: list[str] = []

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        self.made.append(path)


@pytest.mark.parametrize("protocol", ["s3", "gs", "abfs"])
def test_nothing_is_made_on_an_object_store(protocol: str) -> None:
    folders = Folders()
    make_folder(folders, protocol, "bucket/arrays")
    assert folders.made == []


def test_a_folder_is_made_on_a_filesystem_that_has_folders() -> None:
    folders = Folders()
    make_folder(folders, "sftp", "/srv/arrays")
    assert folders.made == ["/srv/arrays"]
