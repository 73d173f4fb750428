"""Segmentation and normalisation of irises."""
