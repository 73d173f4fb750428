"""What the Data Catalog adds to kedro-datasets: the only code that knows both Kedro and files.

Each module is imported when its dataset is asked for: worker processes need the reading of files alone, and
start in half the time without the rest.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selfsame.datasets.arrays import ArraysDataset, MadeShardsDataset
    from selfsame.datasets.atomic import AtomicDataset
    from selfsame.datasets.captures import CapturesDataset
    from selfsame.datasets.checkpoint import CheckpointDataset
    from selfsame.datasets.validators import (
        AssignmentsValidator,
        IndexValidator,
        ManifestValidator,
        RejectedValidator,
    )
    from selfsame.datasets.workspace import WorkspaceDataset

__all__ = [
    "ArraysDataset",
    "AssignmentsValidator",
    "AtomicDataset",
    "CapturesDataset",
    "CheckpointDataset",
    "IndexValidator",
    "MadeShardsDataset",
    "ManifestValidator",
    "RejectedValidator",
    "WorkspaceDataset",
]

_MODULES = {
    "ArraysDataset": "arrays",
    "AssignmentsValidator": "validators",
    "AtomicDataset": "atomic",
    "CapturesDataset": "captures",
    "CheckpointDataset": "checkpoint",
    "IndexValidator": "validators",
    "MadeShardsDataset": "arrays",
    "ManifestValidator": "validators",
    "RejectedValidator": "validators",
    "WorkspaceDataset": "workspace",
}


def __getattr__(name: str) -> type:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: type = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    return found
