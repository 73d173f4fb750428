"""The captures of a run: there before anything is written, and told apart in the log."""

import logging
from typing import TYPE_CHECKING

from kedro.config import OmegaConfigLoader
from kedro.framework.hooks import hook_impl
from kedro.io import DatasetError

from selfsame.errors import InputError
from selfsame.hooks.settings import read_globals
from selfsame.workloads import DEFAULT, WORKLOADS

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext
    from kedro.io import DataCatalog
    from kedro.pipeline import Pipeline
    from kedro.pipeline.node import Node

NEW = "new"
"""What is in the name of everything that is made of new captures, behind the workload."""


class CapturesThere:
    """Stops a run whose captures are not there, before its data root is made."""

    def __init__(self) -> None:
        self._env: str | None = None
        self._default_root = False

    @hook_impl
    def after_context_created(self, context: "KedroContext") -> None:
        """Learn whether the captures are those that a sample is made for."""
        loader = context.config_loader
        self._env = None
        if isinstance(loader, OmegaConfigLoader):
            given = (loader.runtime_params or {}).get("captures")
            shipped = {**read_globals(loader, str(loader.base_env))}
            if loader.env not in (None, loader.default_run_env):
                self._env = str(loader.env)
                shipped |= read_globals(loader, self._env)
            self._default_root = (given or loader["globals"].get("captures")) == shipped.get("captures")

    @hook_impl
    def before_pipeline_run(self, pipeline: "Pipeline", catalog: "DataCatalog") -> None:
        """Open every folder of captures that the run reads and does not make.

        Raises:
            InputError: a folder is missing or empty; where it is the one that comes with the project, it says
                how to make a sample.
        """
        for name in sorted(name for name in pipeline.inputs() if name.split(".")[-1] == "captures"):
            dataset = catalog.get(name)
            if dataset is None:
                continue
            try:
                dataset.load()
            except DatasetError as error:
                if not isinstance(error.__cause__, InputError):
                    raise
                raise InputError(f"{error.__cause__}{self._offer_sample(name)}") from error

    def _offer_sample(self, name: str) -> str:
        """Say how a sample is made, where it would lie where it is looked for."""
        workload, *inner = name.split(".")
        synthesised = {one.name for one in WORKLOADS if one.synthesised}
        if not self._default_root or NEW in inner or workload not in synthesised:
            return ""
        pipeline = "synthesis" if workload == DEFAULT.name else f"{workload}_synthesis"
        env = f" --env {self._env}" if self._env else ""
        return f"; or make a sample: kedro run{env} --pipelines {pipeline}"


class NewCapturesInLog(logging.Filter):
    """Marks the lines of the log that are about new captures, which go through the same stages."""

    def __init__(self) -> None:
        super().__init__()
        self._new = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Put the name of the set before the message, once."""
        if self._new and record.name.startswith("selfsame") and not hasattr(record, "of_new_captures"):
            record.msg = f"new captures: {record.msg}"
            record.of_new_captures = True
        return True

    @hook_impl
    def before_pipeline_run(self) -> None:
        """Listen to what is logged from now on."""
        self._new = False
        for handler in logging.getLogger().handlers:
            handler.addFilter(self)

    @hook_impl
    def before_node_run(self, node: "Node") -> None:
        """Look whose captures the node works on: what it makes is named after them."""
        self._new = any(NEW in output.split(".") for output in node.outputs)

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Speak of no captures any more."""
        self._stop()

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Speak of no captures any more."""
        self._stop()

    def _stop(self) -> None:
        self._new = False
        for handler in logging.getLogger().handlers:
            handler.removeFilter(self)
