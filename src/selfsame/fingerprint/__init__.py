"""Segmentation, normalisation, distortion and comparison of fingerprints.

Import from the modules: `distortion_model` and `comparison_settings` are light, the others load OpenCV.
"""
