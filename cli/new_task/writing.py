"""Makes the files of a new task: looks at the data, decides, and writes source and settings."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from limbeck import reference
from limbeck.cli import raw_data, raw_files
from limbeck.cli.new_task import label_plan, reading, roles, source
from limbeck.errors import ConfigError
from limbeck.examples import SPLITS
from limbeck.settings.data import EXAMPLE_OF_SPLIT, DataConfig

_MODULE = re.compile(r"[a-z][a-z0-9_]*\.py")


def write(file: Path, data: str, format: str, label: str, encoding: str = source.UTF8) -> tuple[Path, Path]:
    """Writes a task from a table.

    Args:
      file: file of the task, which must not exist. Its settings go into a file beside it, of the same name.
      data: a file, a folder or a glob; or a folder with a folder for each split.
      format: `csv`, `parquet` or `tfrecord`.
      label: the column to predict, or several with commas between them.
      encoding: encoding of CSV files.

    Returns:
      The files of the task and of its settings.

    Raises:
      ConfigError: if the file exists or has a name that cannot be imported, or if there are no such data or columns.
      DataError: if the data cannot be read, or if no task can be made from them.
    """
    beside = file.with_suffix(".yaml")
    _assert_free(file, beside)
    found = raw_files.look(data)
    _assert_data(data, found, format)
    split = None if raw_files.splits_in(found) else EXAMPLE_OF_SPLIT
    path = raw_data.absolute(data)
    raw_data.check(DataConfig(path=path, format=format, encoding=encoding, split=split))  # type: ignore[arg-type]
    files = found.files if split else [one for name in SPLITS for one in raw_files.look(f"{path}/{name}").files]
    header = raw_files.header(files[0], format, encoding)
    if header is not None:
        # Checked first, so that a misspelt name is reported before TensorFlow is imported.
        label_plan.columns_of(header, label)
    table = reading.read(files, format, encoding)
    names = label_plan.columns_of(table.names, label)
    planned = label_plan.plan(table, names, format)
    columns = roles.assign(table, names)
    roles.assert_some(columns)
    name = file.stem.replace("_", "-").strip("-")
    text = source.module(name, Path(path).name, format, planned, columns)
    _write({file: text, beside: source.settings(path, format, encoding, split, table.rows)})
    return file, beside


def _assert_free(file: Path, beside: Path) -> None:
    if not _MODULE.fullmatch(file.name) or file.stem.endswith("_") or "__" in file.stem:
        raise ConfigError(
            "the file of a task has a name that Python can import, of lower-case letters, digits and single "
            f"underscores, such as my_task.py; received {file.name}"
        )
    if not reference.can_be_imported(file.stem):
        raise ConfigError(
            f"{file.name} cannot be imported, because Python has a module {file.stem}: give another name"
        )
    for one in (file, beside):
        if one.exists():
            raise ConfigError(f"tasks new writes no file over another, but {one} exists: give another name")
    if not file.parent.is_dir() or not os.access(file.parent, os.W_OK | os.X_OK):
        raise ConfigError(
            f"tasks new writes {file.name} and {beside.name} into a folder that exists and can be written, which "
            f"{file.parent} cannot: make it, or give another path"
        )


def _write(texts: Mapping[Path, str]) -> None:
    """Writes all files, or none. Raises ConfigError if one cannot be written."""
    try:
        for file, text in texts.items():
            file.write_text(text, encoding="utf-8")
    except BaseException as error:
        for file in texts:
            file.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise ConfigError(
                f"the files of a new task cannot be written: {error.strerror}; give another path"
            ) from error
        raise


def _assert_data(data: str, found: raw_files.Found, format: str) -> None:
    if not found.files and not raw_files.splits_in(found):
        what = "the folder holds no file" if Path(data).is_dir() else "there is no such file or folder"
        raise ConfigError(f"--{format} takes a file, a folder of files, or a glob, but of {data}: {what}")
    for file, seen in raw_files.of_another_format(found.files, format):
        raise ConfigError(f"--{format} takes files of that format, but {file} looks like {seen}: give --{seen}")
