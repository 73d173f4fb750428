"""What hooks read of a run: the names of its parameters, small results, and where datasets lie."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kedro.io import CatalogProtocol, DataCatalog
    from kedro.pipeline import Pipeline


def name_parameters(pipeline: "Pipeline") -> list[str]:
    """Name the typed parameters that a pipeline reads, sorted."""
    return sorted(name for name in pipeline.inputs() if name.startswith("params:"))


def load_result(catalog: "DataCatalog", name: str) -> dict[str, object]:
    """Load a small JSON result, or nothing where it has not been made."""
    dataset = catalog.get(name)
    return dict(dataset.load()) if dataset is not None and dataset.exists() else {}


def locate(catalog: "CatalogProtocol", name: str) -> str:
    """Say where a dataset lies, relative to the working directory where that is shorter."""
    dataset = catalog.get(name)
    path = Path(str(getattr(dataset, "filepath", "") or getattr(dataset, "_filepath", "")))
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
