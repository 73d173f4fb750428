"""A training run: what it learns, what a step and an epoch do, and what it goes on from."""
