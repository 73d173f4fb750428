"""The protocols by name. Light: the parameters of pipelines are read with it."""

from typing import Literal, get_args

Kind = Literal["closed_set", "subject_disjoint", "open_set"]

PROTOCOLS: tuple[Kind, ...] = get_args(Kind)
CLOSED_SET: Kind = "closed_set"
SUBJECT_DISJOINT: Kind = "subject_disjoint"
OPEN_SET: Kind = "open_set"
