"""Checks whether a verb can write to a given place, before it works for minutes and then cannot store the result.

Permissions are not enough: a file system may be read-only, and permissions do not apply to the superuser. So a file
without a name is created there.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from limbeck.errors import ConfigError


def check_file(option: str, file: Path) -> None:
    """Raises ConfigError unless a file can be written at a path. `option` names the argument that gave it."""
    if not file.parent.is_dir():
        raise ConfigError(f"{option} needs an existing folder, received {file}")
    if file.is_dir():
        raise ConfigError(f"{option} takes a file, but {file} is a folder: add a name to it")
    check_folder(option, file.parent, file)


def check_folder(option: str, folder: Path, given: Path) -> None:
    """Raises ConfigError unless files can be created in an existing folder. `given` is the value of the argument."""
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise ConfigError(
            f"{option} must be in a folder that can be written; received {given}, and nothing can be written in "
            f"{folder} ({error.strerror}): give another path"
        ) from None
