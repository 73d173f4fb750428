"""Batches: rows of memory-mapped shards, gathered ahead of the loop and sent to the device."""
