"""The synthesis pipeline: a procedural sample of captures, written as files."""
