"""The record of a run: what was asked, with what, where and for how long."""

import logging
import platform
import subprocess
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import distributions
from typing import TYPE_CHECKING

from kedro.framework.hooks import hook_impl

from selfsame import __version__
from selfsame.hooks.reading import load_result, name_parameters
from selfsame.workloads import WORKLOADS

if TYPE_CHECKING:
    from kedro.io import DataCatalog
    from kedro.pipeline import Pipeline
    from kedro.pipeline.node import Node

logger = logging.getLogger(__name__)


class RunRecord:
    """Leaves a record of each run beside its results: what was asked, with what, where and for how long."""

    def __init__(self) -> None:
        self._began: dict[str, float] = {}
        self._seconds: dict[str, float] = {}

    @hook_impl
    def before_pipeline_run(self) -> None:
        """Forget the timings of an earlier run in the same process."""
        self._began, self._seconds = {}, {}

    @hook_impl
    def before_node_run(self, node: "Node") -> None:
        """Start the node's clock."""
        self._began[node.name] = time.perf_counter()

    @hook_impl
    def after_dataset_saved(self, node: "Node") -> None:
        """Count the work of lazy outputs, which happens while they are saved."""
        self._stop(node)

    @hook_impl
    def after_node_run(self, node: "Node") -> None:
        """Stop the node's clock."""
        self._stop(node)

    @hook_impl
    def after_pipeline_run(
        self, run_params: Mapping[str, object], pipeline: "Pipeline", catalog: "DataCatalog"
    ) -> None:
        """Write the record of a run that succeeded."""
        self._write(run_params, pipeline, catalog, "succeeded")

    @hook_impl
    def on_pipeline_error(
        self,
        error: Exception,
        run_params: Mapping[str, object],
        pipeline: "Pipeline",
        catalog: "DataCatalog",
    ) -> None:
        """Write the record of a run that failed, as far as the data root can be written."""
        try:
            said = " ".join(f"{type(error).__name__}: {error}".split())
            self._write(run_params, pipeline, catalog, f"failed: {said}")
        except Exception as second:  # the first error is the one to report
            logger.debug("no record of the failed run: %s", second)

    def _stop(self, node: "Node") -> None:
        self._seconds[node.name] = round(time.perf_counter() - self._began[node.name], 3)

    def _write(
        self, run_params: Mapping[str, object], pipeline: "Pipeline", catalog: "DataCatalog", outcome: str
    ) -> None:
        record = {
            "run_id": run_params["run_id"],
            "outcome": outcome,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "request": {key: value for key, value in run_params.items() if value and key != "project_path"},
            "parameters": {name: _plain(catalog.load(name)) for name in name_parameters(pipeline)},
            "code": {"version": __version__, "git_commit": _git_commit(str(run_params["project_path"]))},
            "packages": _packages(),
            "machine": _machine(),
            "node_seconds": self._seconds,
        }
        for workload in _workload_names(pipeline):
            digest = load_result(catalog, f"{workload}.capture_summary").get("manifest_digest")
            named = {str(run_params["run_id"]): {**record, "data_digest": digest}}
            catalog.save(f"{workload}.run_records", named)


def _workload_names(pipeline: "Pipeline") -> list[str]:
    namespaces = {node.namespace.split(".")[0] for node in pipeline.nodes if node.namespace}
    return sorted(namespaces & {workload.name for workload in WORKLOADS})


def _plain(value: object) -> object:
    """Turn a typed parameter back into plain values."""
    dump = getattr(value, "model_dump", None)
    return dump(mode="json") if dump is not None else value


def _git_commit(folder: str) -> str | None:
    """Name the commit of the code, or nothing outside a checkout."""
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def _packages() -> dict[str, str]:
    """List the installed packages; what an interrupted installation left has no name."""
    named = {str(one.metadata["Name"]): str(one.version) for one in distributions() if one.metadata["Name"]}
    return dict(sorted(named.items()))


def _machine() -> dict[str, object]:
    import joblib

    return {
        "system": platform.platform(),
        "processor": platform.machine(),
        "python": platform.python_version(),
        "cores": joblib.cpu_count(),
    }
