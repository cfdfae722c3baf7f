"""Makes the files of a new task: looks at the data, decides, and writes source and settings."""

from __future__ import annotations

import re
from pathlib import Path

from limbeck.cli import raw_data, raw_files
from limbeck.cli.new_task import label_plan, reading, roles, source
from limbeck.errors import ConfigError
from limbeck.examples import SPLITS
from limbeck.settings.data import EXAMPLE_OF_SPLIT, DataConfig

_MODULE = re.compile(r"[a-z][a-z0-9_]*\.py")


def write(file: Path, data: str, format: str, label: str) -> tuple[Path, Path]:
    """Writes a task from a table.

    Args:
      file: file of the task, which must not exist. Its settings go into a file beside it, of the same name.
      data: a file, a folder or a glob; or a folder with a folder for each split.
      format: `csv`, `parquet` or `tfrecord`.
      label: the column to predict, or several with commas between them.

    Returns:
      The files of the task and of its settings.

    Raises:
      ConfigError: if the file exists or has a name that cannot be imported, or if there are no such data or columns.
      DataError: if the data cannot be read, or if no task can be made from them.
    """
    beside = file.with_suffix(".yaml")
    _assert_free(file, beside)
    found = raw_files.look(data)
    split = None if raw_files.splits_in(found) else EXAMPLE_OF_SPLIT
    path = raw_data.absolute(data)
    raw_data.check(DataConfig(path=path, format=format, split=split))  # type: ignore[arg-type]
    files = found.files if split else [one for name in SPLITS for one in raw_files.look(f"{path}/{name}").files]
    table = reading.read(files, format)
    names = label_plan.columns_of(table, label)
    planned = label_plan.plan(table, names, format)
    columns = roles.assign(table, names)
    roles.assert_some(columns)
    name = file.stem.replace("_", "-").strip("-")
    text = source.module(name, Path(path).name, format, planned, columns)
    file.parent.mkdir(parents=True, exist_ok=True)
    beside.write_text(source.settings(path, format, split, table.rows), encoding="utf-8")
    file.write_text(text, encoding="utf-8")
    return file, beside


def _assert_free(file: Path, beside: Path) -> None:
    if not _MODULE.fullmatch(file.name) or file.stem.endswith("_") or "__" in file.stem:
        raise ConfigError(
            "the file of a task has a name that Python can import, of lower-case letters, digits and single "
            f"underscores, such as my_task.py; received {file.name}"
        )
    for one in (file, beside):
        if one.exists():
            raise ConfigError(f"tasks new writes no file over another, but {one} exists: give another name")
