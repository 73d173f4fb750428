"""What can go wrong, sorted by what the caller does next.

Every message says what was expected, what came, which item it is about and what to do.
"""


class SelfsameError(Exception):
    """The root of every error that Selfsame raises on purpose."""


class InputError(SelfsameError):
    """Something that the user gave is wrong (a folder, a setting, a file): correct it and run again."""


class MismatchError(SelfsameError):
    """Two artefacts do not belong together: choose the matching one, or make it again."""


class DamagedError(SelfsameError):
    """A stored artefact is incomplete or altered: make it again with the pipeline that writes it."""


class CaptureError(SelfsameError):
    """One capture cannot be used: record it as a row with its reason and go on with the next.

    Attributes:
        reason: a short stable word for tables and tests, such as `truncated` or `no_pupil`.
        detail: a sentence for people.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class SourceLostError(InputError):
    """The captures as a whole can no longer be read: no single one is at fault, so none is set aside."""
