"""Arrays and index of one modality → random splits, estimators fitted on each, and what they measure."""

from selfsame.pipelines.estimation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
