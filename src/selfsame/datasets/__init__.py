"""What the Data Catalog adds to kedro-datasets: the only code that knows both Kedro and files."""
