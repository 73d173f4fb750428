"""What happens around every run: settings checked before it, a record and a short summary after it.

Hooks see names, times and small JSON results; never captures, arrays or models.
"""

import logging
import platform
import subprocess
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING

import click
from kedro.config import OmegaConfigLoader
from kedro.framework.hooks import hook_impl
from omegaconf import OmegaConf

from selfsame import __version__
from selfsame.errors import InputError
from selfsame.torchrun import is_first
from selfsame.workloads import WORKLOADS

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext
    from kedro.io import CatalogProtocol, DataCatalog
    from kedro.pipeline import Pipeline
    from kedro.pipeline.node import Node

    from selfsame.run_lock import RunLock

logger = logging.getLogger(__name__)

PLACES = {
    "manifest": "manifest",
    "checkpoint": "checkpoint",
    "plots": "det",
    "report": "report",
    "predictions": "predictions",
    "benchmark": "benchmark_plot",
}
"""What the summary points to: a title and the dataset that lies there."""

ROOTS = ("captures", "new_captures", "data", "arrays")
"""Settings of conf/*/globals.yml that one run may replace with --params: the catalog asks for them."""


class KnownParameters:
    """Refuses a run-time parameter that no configuration file knows: a misspelt one would change nothing."""

    @hook_impl
    def after_context_created(self, context: "KedroContext") -> None:
        """Compare the dotted names given with --params with those of the configuration."""
        loader = context.config_loader
        given = set(_leaves(loader.runtime_params or {}))
        if not given or not isinstance(loader, OmegaConfigLoader):
            return
        plain = OmegaConfigLoader(
            conf_source=loader.conf_source,
            env=loader.env,
            base_env=loader.base_env,
            default_run_env=loader.default_run_env,
            merge_strategy=loader.merge_strategy,
        )
        known = {**dict(_paths(plain["parameters"])), **dict.fromkeys(ROOTS, "")}
        optional = tuple(f"{name}." for name, value in known.items() if value is None)
        for name in sorted(given - known.keys()):
            if not name.startswith(optional):  # a block that is null until someone asks for it
                hint = _suggest(name, sorted(known))
                raise InputError(f"expected a parameter that the configuration knows, got {name}: {hint}")


class OwnRoots:
    """Refuses to leave aside the roots that a user set for good: `--env gpu` does not read conf/local."""

    @hook_impl
    def after_context_created(self, context: "KedroContext") -> None:
        """Compare the roots in conf/local with those that this environment gives or the command line says."""
        loader = context.config_loader
        if not isinstance(loader, OmegaConfigLoader) or loader.env in (None, loader.default_run_env):
            return
        own = _settings(loader, str(loader.default_run_env))
        given = {**_settings(loader, str(loader.env)), **(loader.runtime_params or {})}
        missing = [name for name in ROOTS if own.get(name) is not None and name not in given]
        if missing:
            wanted = ",".join(f"{name}={own[name]}" for name in missing)
            raise InputError(
                f"expected --env {loader.env} to say where the data are: it does not read "
                f"conf/{loader.default_run_env}/globals.yml, which sets {', '.join(missing)}; "
                f"add --params={wanted}"
            )


class DeviceCheck:
    """Stops a run that asks for a GPU on a machine without one, before any work."""

    @hook_impl
    def before_pipeline_run(self, pipeline: "Pipeline", catalog: "DataCatalog") -> None:
        """Look at the device of each stage that is about to run."""
        asked = {name for name in _parameter_names(pipeline) if _device(catalog, name) == "cuda"}
        if not asked:
            return
        import torch

        if not torch.cuda.is_available():
            raise InputError(
                "expected a CUDA device (device: cuda), found none that torch can use: install a driver and "
                "a CUDA build of torch, or run without --env gpu (device: cpu)"
            )


class OneRunAtATime:
    """Lets one run write in a data root; a second one stops with a line that names the first."""

    def __init__(self) -> None:
        self._root = ""
        self._lock: RunLock | None = None

    @hook_impl
    def after_context_created(self, context: "KedroContext") -> None:
        """Learn where the data root is."""
        loader = context.config_loader
        root = str((loader.runtime_params or {}).get("data") or loader["globals"]["data"])
        self._root = root if "://" in root else str(Path(context.project_path) / root)

    @hook_impl(trylast=True)
    def before_pipeline_run(self) -> None:
        """Take the lock, after all other checks; an interrupted run of this process may have it still."""
        from selfsame.run_lock import RunLock

        self._release()
        if "://" in self._root:
            logger.info("no lock is kept in %s: start no second run there", self._root)
            return
        if not is_first():
            return
        lock = RunLock(Path(self._root))
        lock.acquire()
        self._lock = lock

    @hook_impl(trylast=True)
    def after_pipeline_run(self) -> None:
        """Give the lock back, after the record of the run is written."""
        self._release()

    @hook_impl(trylast=True)
    def on_pipeline_error(self) -> None:
        """Give the lock back."""
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None


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
            "parameters": {name: _plain(catalog.load(name)) for name in _parameter_names(pipeline)},
            "code": {"version": __version__, "git_commit": _git_commit(str(run_params["project_path"]))},
            "packages": _packages(),
            "machine": _machine(),
            "node_seconds": self._seconds,
        }
        for workload in _workload_names(pipeline):
            digest = _load(catalog, f"{workload}.capture_summary").get("manifest_digest")
            named = {str(run_params["run_id"]): {**record, "data_digest": digest}}
            catalog.save(f"{workload}.run_records", named)


class RunSummary:
    """Prints what a run achieved, in a few lines, and where its results are."""

    @hook_impl
    def after_pipeline_run(self, pipeline: "Pipeline", catalog: "DataCatalog") -> None:
        """Read the small results that the run made and print them."""
        from selfsame.reporting.run_summary import summarise_run

        made = pipeline.all_outputs()
        for workload in WORKLOADS:
            lines = list(
                summarise_run(workload.name, workload.modalities, made, lambda name: _load(catalog, name))
            )
            lines += [
                f"  {title:<15}{locate(catalog, f'{workload.name}.{dataset}')}"
                for title, dataset in PLACES.items()
                if f"{workload.name}.{dataset}" in made
            ]
            if lines:
                click.echo("\n".join([f"{workload.name}:", *lines]))


def _leaves(tree: Mapping[str, object], prefix: str = "") -> Iterator[str]:
    """Give the dotted name of every leaf of nested settings."""
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def _settings(loader: OmegaConfigLoader, env: str) -> dict[str, object]:
    """Read the globals of one environment alone."""
    path = Path(loader.conf_source) / env / "globals.yml"
    found = OmegaConf.to_container(OmegaConf.load(path)) if path.exists() else {}
    return {str(key): value for key, value in found.items()} if isinstance(found, dict) else {}


def _paths(tree: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Give every leaf and every branch of nested settings with its dotted name."""
    for key, value in tree.items():
        yield f"{prefix}{key}", value
        if isinstance(value, Mapping):
            yield from _paths(value, f"{prefix}{key}.")


def _suggest(name: str, known: list[str]) -> str:
    """Name the parameter that was probably meant: a similar one, or the same one without its namespace."""
    near = get_close_matches(name, known, n=1) or [one for one in known if one.endswith(f".{name}")]
    return f"did you mean {near[0]}?" if near else "see conf/base/parameters*.yml"


def _parameter_names(pipeline: "Pipeline") -> list[str]:
    return sorted(name for name in pipeline.inputs() if name.startswith("params:"))


def _device(catalog: "DataCatalog", name: str) -> object:
    return getattr(catalog.load(name), "device", None)


def _workload_names(pipeline: "Pipeline") -> list[str]:
    namespaces = {node.namespace.split(".")[0] for node in pipeline.nodes if node.namespace}
    return sorted(namespaces & {workload.name for workload in WORKLOADS})


def _load(catalog: "DataCatalog", name: str) -> dict[str, object]:
    """Load a small JSON result, or nothing where it has not been made."""
    dataset = catalog.get(name)
    return dict(dataset.load()) if dataset is not None and dataset.exists() else {}


def locate(catalog: "CatalogProtocol", name: str) -> str:
    """Say where a dataset lies, relative to the working directory where that is shorter."""
    dataset = catalog.get(name)
    path = Path(str(getattr(dataset, "filepath", "") or getattr(dataset, "_filepath", "")))
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


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
