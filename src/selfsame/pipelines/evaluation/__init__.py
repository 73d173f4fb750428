"""Evaluation: how far the recogniser can be trusted."""

from selfsame.pipelines.evaluation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
