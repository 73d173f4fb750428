"""Which pipelines there are: each is written once and instantiated for every workload, in its namespace."""

import warnings

from kedro.pipeline import Pipeline

from selfsame.pipelines import (
    benchmark,
    comparison,
    data_engineering,
    embedding,
    estimation,
    evaluation,
    inference,
    preprocessing,
    synthesis,
    training,
)
from selfsame.workloads import DEFAULT, WORKLOADS, Workload

MAIN = ("data_engineering", "preprocessing", "training", "evaluation", "inference")
"""The stages of the main job, in order."""

SHARED_PARAMETERS = {"seed", "layout", "layouts", "benchmark"}
"""Parameters that all workloads share, so that no namespace is put before them."""


def register_pipelines() -> dict[str, Pipeline]:
    """Build every pipeline by name.

    A workload's name is all its stages; a stage's name is that stage of the default workload. Every node
    carries its stage as a tag, so that `--pipelines <workload> --tags <stage>` is one stage of any workload.
    What is no part of the main job has a name of its own: `<workload>_synthesis`, `<workload>_benchmark`.
    """
    registered: dict[str, Pipeline] = {}
    for workload in WORKLOADS:
        with warnings.catch_warnings():
            # Dots are for namespaces: here a stage names what the namespace of a modality made.
            warnings.filterwarnings("ignore", message="One or more dataset names contain '.'")
            stages = build_stages(workload)
        main_job = sum((stages[name] for name in MAIN), Pipeline([]))
        registered[workload.name] = main_job
        if workload.synthesised:
            registered[f"{workload.name}_synthesis"] = stages["synthesis"]
        registered[f"{workload.name}_benchmark"] = stages["benchmark"]
        if workload is DEFAULT:
            registered |= stages
            registered["smoke"] = stages["synthesis"] + main_job
            registered["__default__"] = main_job
    return registered


def build_stages(workload: Workload) -> dict[str, Pipeline]:
    """Build the stages of one workload, each tagged with its name; without training that stage is empty."""
    name, modalities, trained = workload.name, workload.modalities, workload.trained
    learnt = embedding.create_pipeline(modalities) if trained else embedding.without_network()
    estimated = estimation.create_pipeline(workload.estimated) if workload.estimated else Pipeline([])
    fitted, measured = (estimated.only_nodes_with_tags(stage) for stage in ("training", "evaluation"))
    compared = sum((_comparison_of(name, modality) for modality in modalities), Pipeline([]))
    return {
        "synthesis": _within(
            name, synthesis.create_pipeline(modalities) if workload.synthesised else Pipeline([]), "synthesis"
        ),
        "data_engineering": _within(name, data_engineering.create_pipeline(), "data_engineering"),
        "preprocessing": sum((_preprocessing_of(name, modality) for modality in modalities), Pipeline([])),
        "training": _within(
            name, (training.create_pipeline(modalities) if trained else Pipeline([])) + fitted, "training"
        ),
        "evaluation": compared
        + _within(name, learnt + evaluation.create_pipeline(modalities) + measured, "evaluation"),
        "inference": _within(name, inference.create_pipeline(modalities, trained=trained), "inference"),
        "benchmark": sum((_benchmark_of(name, modality) for modality in modalities), Pipeline([]))
        + _within(name, benchmark.create_pipeline(modalities, trained=trained), "benchmark"),
    }


def _within(namespace: str, pipeline: Pipeline, stage: str) -> Pipeline:
    shared = {f"params:{key}" for key in SHARED_PARAMETERS} & pipeline.inputs()
    return Pipeline(pipeline, namespace=namespace, parameters=shared, tags=stage)


def _preprocessing_of(workload: str, modality: str) -> Pipeline:
    shared = {dataset: f"{workload}.{dataset}" for dataset in ("manifest", "captures")}
    return Pipeline(
        preprocessing.create_pipeline(),
        namespace=f"{workload}.{modality}",
        inputs=shared,
        parameters={"params:seed"},
        tags="preprocessing",
    )


def _comparison_of(workload: str, modality: str) -> Pipeline:
    return Pipeline(
        comparison.create_pipeline(),
        namespace=f"{workload}.{modality}",
        inputs={"assignments": f"{workload}.assignments"},
        tags="evaluation",
    )


def _benchmark_of(workload: str, modality: str) -> Pipeline:
    return Pipeline(
        benchmark.of_modality(),
        namespace=f"{workload}.{modality}",
        inputs={dataset: f"{workload}.{dataset}" for dataset in ("manifest", "captures")},
        parameters={"params:seed", "params:benchmark"},
        tags="benchmark",
    )
