"""Training: arrays and indexes to a checkpoint, its history and a summary."""

from selfsame.pipelines.training.pipeline import create_pipeline

__all__ = ["create_pipeline"]
