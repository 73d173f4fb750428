"""What has to be there before a run: results of stages that the run itself does not make."""

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

from kedro.framework.hooks import hook_impl

from selfsame.errors import InputError
from selfsame.workloads import DEFAULT

if TYPE_CHECKING:
    from kedro.io import AbstractDataset, DataCatalog
    from kedro.pipeline import Pipeline

STAGES = ("data_engineering", "preprocessing", "training", "evaluation")
"""Those whose results others need, in order."""


class Maker(NamedTuple):
    """What makes a dataset: the stage of a workload, from the inputs of one of its nodes."""

    workload: str
    stage: str
    inputs: tuple[str, ...]


class RequiredInputs:
    """Stops a run that needs what earlier stages have not made yet, and says which to run."""

    @hook_impl
    def before_pipeline_run(self, pipeline: "Pipeline", catalog: "DataCatalog") -> None:
        """Look for every result of another stage that the pipeline reads and does not make.

        Raises:
            InputError: names what is missing first, and all stages that have to run before.
        """
        from kedro.framework.project import pipelines

        makers = list_makers(pipelines)
        order = {stage: place for place, stage in enumerate(STAGES)}
        needed = sorted(makers.keys() & pipeline.inputs(), key=lambda name: (order[makers[name].stage], name))
        missing = [name for name in needed if not _is_there(catalog, name)]
        if not missing:
            return
        _require_version(catalog, missing)
        workload = makers[missing[0]].workload
        lacking = _list_lacking(missing, makers, catalog)
        command = name_command(workload, {makers[name].stage for name in lacking}, makers)
        raise InputError(
            f"expected what earlier stages make, but {missing[0]} is not there: run {command} first, with "
            "the same roots and environment"
        )


def name_command(workload: str, stages: Iterable[str], makers: Mapping[str, Maker]) -> str:
    """Write the command that runs some stages of a workload, in their order."""
    chosen = [stage for stage in STAGES if stage in set(stages)]
    every = {maker.stage for maker in makers.values() if maker.workload == workload}
    if workload == DEFAULT.name:
        return "kedro run" if every <= set(chosen) else f"kedro run --pipelines {','.join(chosen)}"
    tags = "" if every <= set(chosen) else f" --tags {','.join(chosen)}"
    return f"kedro run --pipelines {workload}{tags}"


def _list_lacking(
    missing: Iterable[str], makers: Mapping[str, Maker], catalog: "DataCatalog"
) -> dict[str, None]:
    """List what is missing, and what is missing to make that, and so on."""
    found: dict[str, None] = {}
    waiting = list(missing)
    while waiting:
        name = waiting.pop()
        found[name] = None
        needed = [one for one in makers[name].inputs if one in makers and one not in found]
        waiting += [one for one in needed if not _is_there(catalog, one)]
    return found


def _is_there(catalog: "DataCatalog", name: str) -> bool:
    dataset = catalog.get(name)
    return dataset is None or bool(dataset.exists())


def _require_version(catalog: "DataCatalog", missing: Iterable[str]) -> None:
    """Refuse a version that is asked for and not there, where others are."""
    for name in missing:
        dataset = catalog.get(name)
        version = getattr(dataset, "_version", None)
        asked = getattr(version, "load", None)
        there = _list_versions(dataset) if dataset is not None and asked else []
        if there:
            raise InputError(
                f"expected a version of {name} that is there, got {asked}: choose one of "
                f"{', '.join(there)} with --load-versions, or leave it out for the newest"
            )


def _list_versions(dataset: "AbstractDataset") -> list[str]:
    """List the complete versions of a dataset, the newest first."""
    path = PurePath(str(getattr(dataset, "_filepath", "")))
    find = getattr(dataset, "_glob_function", None)
    exists = getattr(dataset, "_exists_function", None)
    if find is None or exists is None:
        return []
    found = find(str(path / "*" / path.name))
    return sorted((PurePath(one).parent.name for one in found if exists(one)), reverse=True)


def list_makers(pipelines: Mapping[str, "Pipeline"]) -> dict[str, Maker]:
    """Name what makes each dataset."""
    return {
        output: Maker(node.namespace.split(".")[0], stage, tuple(node.inputs))
        for pipeline in pipelines.values()
        for node in pipeline.nodes
        for output in node.outputs
        for stage in STAGES
        if stage in node.tags and node.namespace
    }
