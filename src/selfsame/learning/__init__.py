"""Training: batches, augmentation, objectives, the Lightning module, checkpoints."""
