"""Comparison of templates, the fusion of their scores, and search among enrolled subjects."""
