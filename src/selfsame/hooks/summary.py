"""What a run achieved, and where its results are."""

from typing import TYPE_CHECKING

import click
from kedro.framework.hooks import hook_impl

from selfsame.hooks.reading import load_result, locate
from selfsame.workloads import WORKLOADS

if TYPE_CHECKING:
    from kedro.io import DataCatalog
    from kedro.pipeline import Pipeline

PLACES = {
    "manifest": "manifest",
    "checkpoint": "checkpoint",
    "plots": "det",
    "report": "report",
    "estimators": "estimator_report",
    "predictions": "predictions",
    "benchmark": "benchmark_plot",
}
"""What the summary points to: a title and the dataset that lies there."""


class RunSummary:
    """Prints what a run achieved, in a few lines, and where its results are."""

    @hook_impl
    def after_pipeline_run(self, pipeline: "Pipeline", catalog: "DataCatalog") -> None:
        """Read the small results that the run made and print them."""
        from selfsame.reporting.run_summary import summarise_run

        made = pipeline.all_outputs()
        for workload in WORKLOADS:
            lines = list(
                summarise_run(
                    workload.name, workload.modalities, made, lambda name: load_result(catalog, name)
                )
            )
            lines += [
                f"  {title:<15}{locate(catalog, f'{workload.name}.{dataset}')}"
                for title, dataset in PLACES.items()
                if f"{workload.name}.{dataset}" in made
            ]
            if lines:
                click.echo("\n".join([f"{workload.name}:", *lines]))
