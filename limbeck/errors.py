"""Exceptions that separate the user's mistakes from our bugs.

A traceback helps a person who can change the code that raised it. It does not help with a misspelt key or a corrupt
data file. So a `UserError` carries only a message: the rule, what was received, and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake in the user's configuration, task or data. The command line ends with exit code 2."""


class ConfigError(UserError):
    """A configuration key or value breaks a rule."""


class TaskError(UserError):
    """A task cannot be found or imported, or breaks the contract of `limbeck.task.Task`."""


class DataError(UserError):
    """Data cannot be read, or differ from what the task declares."""


class DamagedDataError(DataError):
    """A local file that the program wrote itself is not what was written, and must be written again."""


class TrainingFailedError(Exception):
    """A training job ended without a result, and the user did not cause it."""


class DivergedError(TrainingFailedError):
    """A loss or a gradient of a training is no longer a finite number. It is the same in every process of the job."""


class PassingFaultError(TrainingFailedError):
    """Training ended for a temporary reason, such as a storage that was not available. Starting it again may help."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Returns `" Did you mean 'x'?"` for the known name nearest to `name`, or `""` if no known name is near.

    Capital letters, and spaces around a name, do not matter.
    """
    by_folded = {one.strip().casefold(): one for one in reversed(list(known))}
    close = difflib.get_close_matches(name.strip().casefold(), list(reversed(by_folded)), n=1, cutoff=0.5)
    return f" Did you mean '{by_folded[close[0]]}'?" if close else ""
