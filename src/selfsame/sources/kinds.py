"""The protocols by name. Light: the parameters of pipelines are read with it."""

from typing import Literal, get_args

Kind = Literal["closed_set", "subject_disjoint", "open_set"]

PROTOCOLS: tuple[Kind, ...] = get_args(Kind)
CLOSED_SET, SUBJECT_DISJOINT, OPEN_SET = PROTOCOLS
