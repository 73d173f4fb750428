"""The inference pipeline: new captures and a checkpoint to predictions."""

from selfsame.pipelines.inference.pipeline import create_pipeline

__all__ = ["create_pipeline"]
