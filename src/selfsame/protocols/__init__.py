"""Who is enrolled, trained on and tested: the protocols, their folds, and what would leak."""
