"""The training pipeline: arrays and index to a checkpoint and its history."""
