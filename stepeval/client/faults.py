"""What a body that is no answer is raised as, on its way to becoming a Failure."""

from stepeval.core.chat import FailureKind


class BadBody(Exception):
    """``status`` is the one the server states inside the body, if it states one.

    ``excerpt`` is the offending text at full length: a key in it is taken out before it is cut,
    since half a key would not be found.
    """

    def __init__(
        self,
        kind: FailureKind,
        message: str,
        *,
        excerpt: bytes | str = "",
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.kind, self.message, self.excerpt, self.status = kind, message, excerpt, status
