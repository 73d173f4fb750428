"""Parameters that have to agree, and names that a stage would look up late: checked before the run."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kedro.framework.hooks import hook_impl

from selfsame.errors import InputError
from selfsame.explanations import suggest
from selfsame.matching.comparators import COSINE
from selfsame.pipelines.comparison.params import ComparisonParams
from selfsame.pipelines.data_engineering.params import Layouts
from selfsame.pipelines.evaluation.params import EvaluationParams
from selfsame.pipelines.training.params import TrainingParameters
from selfsame.sources.layouts import AUTO, choose_layout
from selfsame.workloads import WORKLOADS, Workload

if TYPE_CHECKING:
    from kedro.io import DataCatalog
    from kedro.pipeline import Pipeline


class AgreeingParameters:
    """Stops a run whose parameters name what there is none of, before any work."""

    @hook_impl
    def before_pipeline_run(self, pipeline: "Pipeline", catalog: "DataCatalog") -> None:
        """Look up the layout, the encoders and the comparators of the stages that are about to run.

        Raises:
            InputError: there is no such layout, encoder, file of weights, modality or comparator.
        """
        read = pipeline.inputs()
        if "params:layout" in read:
            require_layout(catalog.load("params:layouts"), str(catalog.load("params:layout")))
        for workload in WORKLOADS:
            training, evaluation = (f"params:{workload.name}.{stage}" for stage in ("training", "evaluation"))
            if training in read:
                require_encoders(catalog.load(training), training.removeprefix("params:"))
            if evaluation in read:
                require_comparators(
                    workload, catalog.load(evaluation), _list_comparators(workload, read, catalog)
                )


def require_layout(layouts: Layouts, name: str) -> None:
    """Check that there is the layout that is asked for by name, and that every layout can be read.

    Raises:
        InputError: there is no such layout, or one has a pattern that is none.
    """
    compiled = layouts.compile()
    if name != AUTO:
        choose_layout(compiled, name, ())


def require_comparators(
    workload: Workload, settings: EvaluationParams, comparators: Mapping[str, Iterable[str]]
) -> None:
    """Check that the fusion names modalities and comparators of the workload.

    Args:
        workload: whose evaluation it is.
        settings: of the evaluation.
        comparators: of each modality the names of its comparators, where they are known.

    Raises:
        InputError: names the setting and what there is.
    """
    place = f"{workload.name}.evaluation.fusion"
    for key, named in (("chosen", settings.fusion.chosen), ("quality", settings.fusion.quality)):
        for modality in named:
            _require(f"{place}.{key}", "a modality", modality, workload.modalities)
    for modality, name in settings.fusion.chosen.items():
        if modality in comparators:
            _require(f"{place}.chosen.{modality}", "a comparator", name, comparators[modality])


def require_encoders(settings: TrainingParameters, place: str) -> None:
    """Check that the encoders in use can be built, and that their stored weights are there.

    Raises:
        InputError: names the encoder and what is wrong with it.
    """
    from selfsame.encoders.registry import build_backbone

    for name in sorted(set(settings.encoder_of.values())):
        encoder = settings.encoders[name]
        if encoder.pretrained is not None and not Path(encoder.pretrained).is_file():
            raise InputError(
                f"expected pretrained weights in {encoder.pretrained}, got no such file: correct "
                f"{place}.encoders.{name}.pretrained, or set it to null"
            )
        try:
            build_backbone(encoder.name, encoder.stage)
        except InputError as error:
            raise InputError(f"{error} ({place}.encoders.{name})") from error


def _list_comparators(
    workload: Workload, read: Iterable[str], catalog: "DataCatalog"
) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for modality in workload.modalities:
        name = f"params:{workload.name}.{modality}.comparison"
        settings = catalog.load(name) if name in read else None
        if isinstance(settings, ComparisonParams):
            found[modality] = [*settings.comparators, *([COSINE] if workload.trained else [])]
    return found


def _require(place: str, what: str, name: str, known: Iterable[str]) -> None:
    there = list(known)
    if name not in there:
        meant = suggest(name, there)
        hint = f"did you mean {meant}?" if meant else f"there is {', '.join(there) or 'none'}"
        raise InputError(f"expected {what} that the workload has in {place}, got {name!r}: {hint}")
