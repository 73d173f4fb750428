"""Results: their schema, and how they are measured from scores."""
