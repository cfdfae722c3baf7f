"""How a launcher fails."""

from __future__ import annotations


class LauncherError(Exception):
    """A step that fails for a reason that the message tells."""


class LauncherDiedError(Exception):
    """The launcher's process ends at once: it publishes nothing, and the execution stays RUNNING for ever."""

    exit_code = 2
