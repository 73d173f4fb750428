"""From a source of captures to the manifest of what is used and the table of what is not."""

from selfsame.pipelines.data_engineering.pipeline import create_pipeline

__all__ = ["create_pipeline"]
