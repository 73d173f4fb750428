"""Normalised captures in bulk: planned, made by many workers, read as one array."""
