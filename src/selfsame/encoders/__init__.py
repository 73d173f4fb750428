"""Networks that turn one normalised capture into a feature vector."""
