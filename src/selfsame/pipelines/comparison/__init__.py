"""Comparison: templates of the captures of one modality, and the scores of their pairs."""

from selfsame.pipelines.comparison.pipeline import create_pipeline

__all__ = ["create_pipeline"]
