"""Normalise the captures of one modality into arrays, with an index of their rows."""

from selfsame.pipelines.preprocessing.pipeline import create_pipeline

__all__ = ["create_pipeline"]
