"""Finds the raw examples of a run: the user's, or the task's own, which are written once."""

from __future__ import annotations

import glob
import os
import re
import shutil
from pathlib import Path

from limbeck.errors import ConfigError
from limbeck.examples import SPLITS
from limbeck.task import Task


def check(path: str) -> None:
    """Raises ConfigError if `data.path` is a local folder without files for each split."""
    if "://" in path:
        return
    if re.search(r"[*?\[\]]", path):
        raise ConfigError(
            f"data.path must hold none of * ? [ ], because TFX takes them for wildcards; received {path}: rename the "
            "folder"
        )
    for split in SPLITS:
        # {SPAN} and other placeholders stand for numbers. Which number is decided when the data are read.
        pattern = re.sub(r"\{[^}]*\}", "*", f"{path}/{split}/*")
        if not glob.glob(pattern):  # noqa: PTH207
            raise ConfigError(
                f"data.path must hold a folder with files for each of {', '.join(SPLITS)}; {path}/{split} has none"
            )


def resolve(path: str | None, task: Task, digest: str, folder: Path) -> str:
    """Finds the raw examples.

    Args:
      path: `data.path`; None for the task's own data.
      task: the task. It has its own data if it has `write_data`.
      digest: digest of the code that writes the data.
      folder: keeps written data, by task and digest.

    Returns:
      The folder or URI that holds a folder for each split.

    Raises:
      ConfigError: if there is no path, and the task has no data of its own.
    """
    if path is not None:
        return path if "://" in path else str(Path(path).resolve())
    if task.write_data is None:
        raise ConfigError(f"task '{task.name}' has no data of its own: give --set data.path=FOLDER")
    final = folder / f"{task.name}-{digest[:16]}"
    if not final.is_dir():
        unfinished = final.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        task.write_data(unfinished)
        os.replace(unfinished, final)  # noqa: PTH105
    return str(final)
