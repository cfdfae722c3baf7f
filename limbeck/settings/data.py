"""Settings section `data`."""

from __future__ import annotations

import re
from typing import Literal

from pydantic.dataclasses import dataclass

from limbeck.errors import ConfigError
from limbeck.records import STRICT
from limbeck.settings.fields import NotNegative, runtime


@dataclass(frozen=True, config=STRICT)
class DataConfig:
    """Where the raw examples are.

    Attributes:
      path: folder that holds a folder for each split of the task; null takes the data that the task brings. It may
        hold `{SPAN}`, or `{YYYY}`, `{MM}` and `{DD}`: the newest span is taken.
      span: takes this span instead; with dates, the days since 1970-01-01.
      format: `tfrecord` (serialized tf.Example), `csv` (a header line in every file) or `parquet`.
      encoding: of CSV files, as Python names it.
    """

    path: str | None = runtime(None)
    span: NotNegative | None = None
    format: Literal["tfrecord", "csv", "parquet"] = "tfrecord"
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        if self.span is not None and not re.search(r"\{(SPAN(:\d+)?|YYYY)\}", self.path or ""):
            raise ConfigError(
                f"data.span={self.span} chooses among folders that data.path numbers by {{SPAN}} or by date, but "
                f"data.path is {self.path}: write {{SPAN}} where the number stands, or leave data.span out"
            )
