"""The preprocessing pipeline: manifest and captures to arrays and their index."""
