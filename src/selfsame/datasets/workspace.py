"""A folder that a long task may write in while it works: the state of a training run, its logs."""

from collections.abc import Mapping
from pathlib import Path

from kedro.io.core import AbstractDataset, get_protocol_and_path

from selfsame.errors import InputError


class WorkspaceDataset(AbstractDataset[None, Path]):
    """Hand out a folder that exists.

    Args:
        filepath: the folder, on a local filesystem; it is made when it is first loaded.
        metadata: for Kedro-Viz.
    """

    def __init__(self, *, filepath: str, metadata: Mapping[str, object] | None = None) -> None:
        protocol, path = get_protocol_and_path(filepath)
        if protocol != "file":
            raise InputError(f"expected a local folder to work in, got {filepath}: choose a local data root")
        self._path = Path(path)
        self.metadata = metadata

    def load(self) -> Path:
        """Make the folder where it is missing, and return it.

        Raises:
            InputError: the folder cannot be made.
        """
        try:
            self._path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"expected to make the folder {self._path}, got {error.strerror or error}: check the "
                "permissions, or choose another data root with --params=data=PATH"
            ) from error
        return self._path

    def save(self, data: None) -> None:
        """Refuse: what works in the folder writes there itself.

        Raises:
            InputError: always.
        """
        raise InputError(
            f"expected the workspace {self._path} as an input, but a node returns it: load it instead"
        )

    def _exists(self) -> bool:
        return self._path.is_dir()

    def _describe(self) -> dict[str, object]:
        return {"filepath": self._path.as_posix()}
