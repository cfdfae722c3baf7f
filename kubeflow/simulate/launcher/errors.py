"""The errors of a launcher."""

from __future__ import annotations


class LauncherError(Exception):
    """A step fails. The message gives the reason."""


class LauncherDiedError(Exception):
    """The launcher's process dies: it publishes nothing, and the execution stays RUNNING for ever.

    Attributes:
      exit_code: exit code of the process.
    """

    def __init__(self, message: str, exit_code: int = 2) -> None:
        super().__init__(message)
        self.exit_code = exit_code
