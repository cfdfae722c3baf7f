"""Describes a bulk scoring: the data, the model, and where the answers are written."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic.dataclasses import dataclass

from limbeck.errors import ConfigError
from limbeck.records import STRICT
from limbeck.reference import TaskRef

PLACE = "place"


@dataclass(frozen=True, config=STRICT)
class ScoringJob:
    """One bulk scoring.

    Attributes:
      task: the task, which declares the features.
      model: folder of the SavedModel of a student.
      data: file, folder of files, or glob of the raw data.
      format: format of the files.
      encoding: encoding of CSV files.
      output: folder that receives the answers; it must not exist.
      keep: raw columns that are written beside the answers, as texts.
    """

    task: TaskRef
    model: str
    data: str
    format: Literal["tfrecord", "csv", "parquet"]
    encoding: str
    output: str
    keep: tuple[str, ...] = ()

    def assert_new(self) -> None:
        """Raises ConfigError if the output is there already."""
        if Path(self.output).exists():
            raise ConfigError(
                f"OUT must be a new folder, but {self.output} exists: give another one, or remove it"
            )

    @property
    def unfinished(self) -> Path:
        """The folder that becomes `output`."""
        return self._beside("unfinished")

    @property
    def staged(self) -> Path:
        """The folder that Beam's workers write to and read from."""
        return self._beside("staged")

    def _beside(self, what: str) -> Path:
        output = Path(self.output)
        return output.with_name(f".{output.name}.{what}")

    def __post_init__(self) -> None:
        doubled = {name for name in self.keep if self.keep.count(name) > 1} | ({PLACE} & set(self.keep))
        if doubled:
            raise ConfigError(
                f"each column of the answers has a name of its own, and '{PLACE}' is the place of a row: --keep must "
                f"not name {', '.join(map(repr, sorted(doubled)))} twice"
            )
