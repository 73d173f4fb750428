import pytest
from kedro.io.core import DatasetError

from selfsame.datasets.workspace import WorkspaceDataset
from selfsame.errors import InputError


def test_folder_is_made_when_it_is_asked_for(tmp_path):
    dataset = WorkspaceDataset(filepath=str(tmp_path / "a" / "b"))
    assert not dataset.exists()
    assert dataset.load().is_dir()
    assert dataset.exists()


def test_what_stands_in_the_folder_stays(tmp_path):
    (tmp_path / "state").write_text("1")
    assert (WorkspaceDataset(filepath=str(tmp_path)).load() / "state").read_text() == "1"


def test_place_that_cannot_be_a_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError) as caught:
        WorkspaceDataset(filepath=str(tmp_path / "file" / "folder")).load()
    assert isinstance(caught.value.__cause__, InputError)


def test_saving_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="as an input"):
        WorkspaceDataset(filepath=str(tmp_path)).save("content")


def test_remote_folder_is_refused():
    with pytest.raises(InputError, match="local folder to work in, got s3://"):
        WorkspaceDataset(filepath="s3://bucket/training")
