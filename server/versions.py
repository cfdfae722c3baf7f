"""Finds the versions in a serving folder, as TensorFlow Serving would: folders whose names are numbers."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

_MODEL = "saved_model.pb"


def whole_number(text: str) -> int | None:
    """Returns a number from its digits; None for another text.

    Python's own tests for digits also accept letters that `int` refuses, and more digits than `int` takes.
    """
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


def found(serving: Path) -> dict[int, Path]:
    """Returns the folder of every version. A folder without a SavedModel is not a version.

    If `serving` does not exist or is a file, there are no versions.
    """
    try:
        folders = sorted(serving.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return {
        number: folder
        for folder in folders
        if (number := whole_number(folder.name)) is not None and (folder / _MODEL).is_file()
    }


def wanted(present: Collection[int], kept: int) -> tuple[int, ...]:
    """Returns the versions that should be loaded, the newest first.

    Args:
      present: all versions.
      kept: how many versions are kept.
    """
    return tuple(sorted(present, reverse=True)[:kept])
