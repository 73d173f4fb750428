"""Runs under torchrun: the first process does what a run does, the others train along and write nothing."""

import logging
import os
from typing import TYPE_CHECKING

from kedro.framework.hooks import hook_impl
from kedro.io import MemoryDataset

from selfsame.errors import InputError

if TYPE_CHECKING:
    from kedro.io import DataCatalog
    from kedro.pipeline import Pipeline

RANKS = ("RANK", "LOCAL_RANK", "NODE_RANK")
"""What torchrun and Lightning tell the processes of one distributed run: all are 0 for the first of them."""

STAGE = "training"
"""The stage whose nodes several processes run together."""


def is_first() -> bool:
    """Whether this process is the only one of its run, or the one that writes."""
    return all(os.environ.get(name, "0") == "0" for name in RANKS)


class TrainsTogether:
    """Lets only training run in several processes, and only the first of them write and talk."""

    @hook_impl
    def after_context_created(self) -> None:
        """Leave what a run says to the first process."""
        if not is_first():
            for name in ("kedro", "selfsame"):
                logging.getLogger(name).setLevel(logging.WARNING)

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, pipeline: "Pipeline", catalog: "DataCatalog") -> None:
        """Refuse other stages; keep the results of the other processes in memory.

        Raises:
            InputError: the run has nodes that are not of training.
        """
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return
        others = sorted(node.name for node in pipeline.nodes if STAGE not in node.tags)
        if others:
            raise InputError(
                f"expected training alone under torchrun, got {len(others)} other nodes ({others[0]}): run "
                "the other stages without torchrun, and this one with --pipelines training"
            )
        if not is_first():
            for name in pipeline.all_outputs():
                catalog[name] = MemoryDataset(copy_mode="assign")
