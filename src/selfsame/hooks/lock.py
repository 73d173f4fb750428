"""One run at a time in a data root."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from kedro.framework.hooks import hook_impl

from selfsame.torchrun import is_first

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext

    from selfsame.run_lock import RunLock

logger = logging.getLogger(__name__)


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
