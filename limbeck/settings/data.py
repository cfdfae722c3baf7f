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
      path: folder or URI with the folders `train`, `validation` and `test`; null takes the data that the task brings.
        The path may contain `{SPAN}` (`{SPAN:2}` where numbers are padded to two digits), or `{YYYY}`, `{MM}` and
        `{DD}`: the run then takes the newest number or date. `{VERSION}` beside it takes the newest version.
      span: the run takes this span instead of the newest. With dates, it is the number of days since 1970-01-01.
      format: `tfrecord` (serialized tf.Example), `csv` (each file has a header line) or `parquet`. CSV and TFRecord
        files may be compressed with gzip, whatever their names are.
      encoding: encoding of CSV files, as Python names it. A byte order mark is dropped.
    """

    path: str | None = runtime(None)
    span: NotNegative | None = None
    format: Literal["tfrecord", "csv", "parquet"] = "tfrecord"
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        if self.span is not None and not re.search(r"\{(SPAN(:\d+)?|YYYY)\}", self.path or ""):
            raise ConfigError(
                f"data.span={self.span} chooses among folders that data.path numbers by {{SPAN}} or by date, but "
                f"data.path is {self.path}: write {{SPAN}} instead of the number, or leave data.span out"
            )
