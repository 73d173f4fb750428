"""The device that the stages of a run ask for."""

from typing import TYPE_CHECKING

from kedro.framework.hooks import hook_impl

from selfsame.errors import InputError
from selfsame.hooks.reading import name_parameters

if TYPE_CHECKING:
    from kedro.io import DataCatalog
    from kedro.pipeline import Pipeline


class DeviceCheck:
    """Stops a run that asks for a GPU on a machine without one, before any work."""

    @hook_impl
    def before_pipeline_run(self, pipeline: "Pipeline", catalog: "DataCatalog") -> None:
        """Look at the device of each stage that is about to run."""
        asked = {name for name in name_parameters(pipeline) if _device(catalog, name) == "cuda"}
        if not asked:
            return
        import torch

        if not torch.cuda.is_available():
            raise InputError(
                "expected a CUDA device (device: cuda), found none that torch can use: install a driver and "
                "a CUDA build of torch, or run without --env gpu (device: cpu)"
            )


def _device(catalog: "DataCatalog", name: str) -> object:
    return getattr(catalog.load(name), "device", None)
