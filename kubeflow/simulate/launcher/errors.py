"""The errors of a launcher."""

from __future__ import annotations


class LauncherError(Exception):
    """A step that fails for a reason that the message tells."""


class LauncherDiedError(Exception):
    """The launcher's process ends at once: it publishes nothing, and the execution stays RUNNING for ever.

    Attributes:
      exit_code: of the process.
    """

    def __init__(self, message: str, exit_code: int = 2) -> None:
        super().__init__(message)
        self.exit_code = exit_code
