"""Error rates of verification, identification and classification, with their intervals."""
