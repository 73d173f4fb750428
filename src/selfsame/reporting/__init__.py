"""Results: their schema, how they are measured from scores, their plots and the report."""
