"""The evaluation pipeline: embeddings, scores, metrics, plots and the report."""
