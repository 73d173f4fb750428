"""Decoding, resizing and quality measures that the modalities share."""
