"""Make a synthetic sample of captures, and presentations that were never used in training."""

from selfsame.pipelines.synthesis.pipeline import create_pipeline

__all__ = ["create_pipeline"]
