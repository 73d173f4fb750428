"""Scores in the plain text that biometric tools share: four columns."""

import pandas as pd

FOUR_COLUMNS = ["reference_subject", "probe_subject", "probe", "score"]


def write_four_columns(scores: pd.DataFrame) -> str:
    """Write one line a comparison: claimed subject, true subject, probe, score, separated by spaces.

    This is the four-column format of Bob (Anjos et al., "Bob: a free signal processing and machine learning
    toolbox for researchers", 2012): a comparison is mated where the first two columns agree. White space
    inside a name becomes an underscore, since columns are told apart by it.

    Args:
        scores: rows of the table of scores.
    """
    names = [scores[column].astype(str).str.replace(r"\s", "_", regex=True) for column in FOUR_COLUMNS[:3]]
    values = [f"{score:.9g}" for score in scores["score"]]
    lines = [" ".join(line) for line in zip(*names, values, strict=True)]
    return "\n".join(lines) + "\n"
