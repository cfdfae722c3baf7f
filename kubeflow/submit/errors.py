"""What a service answers besides what was asked for: three kinds, because each needs another reaction.

A client library raises its own dozens of classes. A backend turns each into one of these, or into a `UserError`.
"""

from __future__ import annotations


class ServiceError(Exception):
    """The service failed. The user cannot mend it; the message says what the service said, and what still stands."""


class PassingError(Exception):
    """The request was not served now, and may be served later: too many requests, a restart, a lost connection.

    Attributes:
      seconds: after which the service wants to be asked again; None if it does not say.
      reached: whether the service may have done what was asked, because only its answer was lost.
    """

    def __init__(self, message: str, seconds: float | None = None, *, reached: bool = False) -> None:
        super().__init__(message)
        self.seconds = seconds
        self.reached = reached


class UnreachableError(PassingError):
    """Nothing answered: no such host, or nothing listens there."""
