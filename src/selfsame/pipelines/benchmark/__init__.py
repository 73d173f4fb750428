"""Captures and arrays as they are → how fast this machine preprocesses and loads them, and what to set."""

from selfsame.pipelines.benchmark.pipeline import create_pipeline, of_modality

__all__ = ["create_pipeline", "of_modality"]
