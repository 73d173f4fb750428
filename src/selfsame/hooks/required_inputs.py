"""What has to be there before a run: results of stages that the run itself does not make."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kedro.framework.hooks import hook_impl

from selfsame.errors import InputError

if TYPE_CHECKING:
    from kedro.io import DataCatalog
    from kedro.pipeline import Pipeline

STAGES = ("data_engineering", "preprocessing", "training", "evaluation")
"""Those whose results others need, in order."""


class RequiredInputs:
    """Stops a run that needs what earlier stages have not made yet, and says which to run."""

    @hook_impl
    def before_pipeline_run(self, pipeline: "Pipeline", catalog: "DataCatalog") -> None:
        """Look for every result of another stage that the pipeline reads and does not make."""
        from kedro.framework.project import pipelines

        makers = list_makers(pipelines)
        needed = sorted(
            makers.keys() & pipeline.inputs(), key=lambda name: (STAGES.index(makers[name][1]), name)
        )
        missing = [name for name in needed if not _is_there(catalog, name)]
        if not missing:
            return
        workload, _ = makers[missing[0]]
        stages = ",".join(dict.fromkeys(makers[name][1] for name in missing))
        raise InputError(
            f"expected what earlier stages make, but {missing[0]} is not there: run kedro run --pipelines "
            f"{workload} --tags {stages} first, with the same roots and environment"
        )


def _is_there(catalog: "DataCatalog", name: str) -> bool:
    dataset = catalog.get(name)
    return dataset is None or bool(dataset.exists())


def list_makers(pipelines: Mapping[str, "Pipeline"]) -> dict[str, tuple[str, str]]:
    """Name the workload and the stage that make each dataset."""
    return {
        output: (node.namespace.split(".")[0], stage)
        for pipeline in pipelines.values()
        for node in pipeline.nodes
        for output in node.outputs
        for stage in STAGES
        if stage in node.tags and node.namespace
    }
