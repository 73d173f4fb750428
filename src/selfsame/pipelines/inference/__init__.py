"""The inference pipeline: new captures and a checkpoint to predictions."""
