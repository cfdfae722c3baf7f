"""Which failures are the user's to mend, told apart from our own bugs by type.

A traceback helps whoever can change the code that raised it. A misspelt key or a corrupt data file is mended
elsewhere, so these errors carry a message that says the rule, what was received and what to do, and nothing else.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake in what the user gave: configuration, task or data. The command line ends with code 2."""


class ConfigError(UserError):
    """A configuration value or key that breaks a rule."""


class TaskError(UserError):
    """A task that cannot be found, imported, or that breaks the contract of `limbeck.task.Task`."""


class DataError(UserError):
    """Data that cannot be read, or that is not what the task declares."""


class TrainingFailedError(Exception):
    """A training job ended without a result, for a reason that is not the user's."""


class PassingFaultError(TrainingFailedError):
    """Training ended for a reason that may be gone when it is started again, such as a storage that was away."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Returns `" Did you mean 'x'?"` for the known name nearest to `name`, or `""` where none is near."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" Did you mean '{close[0]}'?" if close else ""
