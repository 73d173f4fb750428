"""Networks that join the features of whichever modalities are present."""
