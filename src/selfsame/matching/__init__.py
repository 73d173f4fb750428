"""Comparison of templates, and the fusion of their scores."""
