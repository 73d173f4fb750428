"""Segmentation, normalisation and distortion of fingerprints."""
