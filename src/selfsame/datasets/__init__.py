"""What the Data Catalog adds to kedro-datasets: the only code that knows both Kedro and files."""

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
