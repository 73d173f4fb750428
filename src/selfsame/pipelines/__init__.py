"""The pipelines: graphs of nodes, plain functions, and their typed parameters."""
