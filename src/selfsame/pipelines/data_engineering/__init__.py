"""The data engineering pipeline: captures to manifest, rejected files and a summary."""
