"""Finds the raw examples of a run: the user's, or the task's own, which are written once."""

from __future__ import annotations

import fnmatch
import glob
import os
import shutil
from pathlib import Path

from limbeck.cli import raw_files
from limbeck.errors import ConfigError
from limbeck.examples import SPLITS
from limbeck.settings.data import EXAMPLE_OF_SPLIT, DataConfig
from limbeck.task import Task


def check(data: DataConfig) -> None:
    """Raises ConfigError if `data.path` or `data.unlabelled` cannot be read as the settings say. Local places only."""
    if data.path is not None and "://" not in data.path:
        if data.split is None:
            _check_folders(data.path, data.format)
        else:
            check_whole("data.path", data.path, data.format)
    if data.unlabelled is not None and "://" not in data.unlabelled:
        check_whole("data.unlabelled", data.unlabelled, data.format)


def _check_folders(path: str, format: str) -> None:
    found = raw_files.look(path)
    if found.files and not raw_files.splits_in(found):
        what = "a file" if Path(path).is_file() else "files, and no folders"
        raise ConfigError(
            f"data.path must be a folder with the folders {', '.join(SPLITS)}, because data.split is null; but {path} "
            f"is {what} ({found.told()}): set data.split={EXAMPLE_OF_SPLIT} to divide the rows"
        )
    if raw_files.WILD.search(path):
        raise ConfigError(
            f"data.path must hold none of * ? [ ], because TFX takes them for wildcards; received {path}: rename the "
            f"folder, or set data.split={EXAMPLE_OF_SPLIT} if it is a glob of files whose rows are to be divided"
        )
    for split in SPLITS:
        files = glob.glob(raw_files.pattern_of(f"{path}/{split}/*"))  # noqa: PTH207
        if not files:
            raise ConfigError(
                f"data.path must hold a folder with files for each of {', '.join(SPLITS)}; {path}/{split} has none "
                f"({found.told()})"
            )
        raw_files.assert_format(filter(os.path.isfile, files), format)


def check_whole(setting: str, path: str, format: str) -> None:
    """Raises ConfigError unless a local path, the value of `setting`, matches only files of a format."""
    found = raw_files.look(path)
    if split := raw_files.splits_in(found):
        remedy = "leave data.split out" if setting == "data.path" else "give one of its folders"
        raise ConfigError(
            f"{setting} takes a file, a folder of files, or a glob, but {path} is cut into the folders "
            f"{', '.join(split)} already: {remedy}, or name the files"
        )
    if found.folders:
        raise ConfigError(
            f"{setting} takes a file, a folder of files, or a glob, but {path} holds folders ({found.told()}): give "
            "the folder with the files, or a glob such as folder/*/*.csv"
        )
    if not found.files:
        there = raw_files.look(str(Path(path).parent))
        raise ConfigError(
            f"{setting} takes a file, a folder of files, or a glob, but no file matches {path} (in "
            f"{Path(path).parent}, {there.told()}); files named .* and _* do not count"
        )
    raw_files.assert_format(found.files, format)


def assert_apart(data: DataConfig, root: Path) -> None:
    """Raises ConfigError if the files of a run in `root`, an absolute path, would be read as data. Local places only.

    ExampleGen would find them, but by then they lie among the user's files.
    """
    for setting, place in (("data.path", data.path), ("data.unlabelled", data.unlabelled)):
        if place is None or "://" in place:
            continue
        pattern = raw_files.pattern_of(absolute(place))
        whole = data.split is not None or setting == "data.unlabelled"
        folders = [pattern] if whole else [f"{pattern}/{split}" for split in SPLITS]
        if not raw_files.WILD.search(place):
            folders = [f"{folder}/*" for folder in folders]
        for one in folders:
            # Of what is beside the data, names that begin so do not count.
            below = root.parts[len(Path(one).parent.parts) :]
            if fnmatch.fnmatch(f"{root}/x", one) and not any(name[:1] in {".", "_"} for name in below):
                raise ConfigError(
                    f"--root must be apart from the data, because a run would read its own files as data; received "
                    f"{root}, where {setting}={place} looks for data: give another folder"
                )


def absolute(path: str) -> str:
    """Returns a path as an absolute path, and a URI unchanged."""
    return path if "://" in path else str(Path(path).resolve())


def resolve(path: str | None, task: Task, digest: str, folder: Path) -> str:
    """Finds the raw examples.

    Args:
      path: `data.path`; None for the task's own data.
      task: the task. It has its own data if it has `write_data`.
      digest: digest of the code that writes the data.
      folder: keeps written data, by task and digest.

    Returns:
      The folder or URI that holds a folder for each split; with `data.split`, the file, folder or glob.

    Raises:
      ConfigError: if there is no path, and the task has no data of its own.
    """
    if path is not None:
        return absolute(path)
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
