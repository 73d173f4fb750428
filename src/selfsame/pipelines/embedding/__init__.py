"""Embedding: what the trained network makes of the captures; or, without one, nothing."""

from selfsame.pipelines.embedding.pipeline import create_pipeline, without_network

__all__ = ["create_pipeline", "without_network"]
