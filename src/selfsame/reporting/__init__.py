"""Plots and the report: what people look at."""
