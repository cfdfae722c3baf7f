"""Settings section `data`."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Literal

from pydantic.dataclasses import dataclass

from limbeck.errors import ConfigError
from limbeck.examples import SPLITS
from limbeck.records import STRICT
from limbeck.settings.fields import NotNegative, runtime

# What remedies name where the shares are the user's choice.
EXAMPLE_OF_SPLIT = "0.8/0.1/0.1"
_SHARE = re.compile(r"\s*\d*\.?\d+\s*")


@dataclass(frozen=True, config=STRICT)
class DataConfig:
    """Where the raw examples are.

    Attributes:
      path: folder or URI with the folders `train`, `validation` and `test`; null takes the data that the task brings.
        With `data.split`, it is one file, a folder of files, or a glob such as `data/*.csv`. The path may contain
        `{SPAN}` (`{SPAN:2}` where numbers are padded to two digits), or `{YYYY}`, `{MM}` and `{DD}`: the run then takes
        the newest number or date. `{VERSION}` beside it takes the newest version.
      span: the run takes this span instead of the newest. With dates, it is the number of days since 1970-01-01.
      format: `tfrecord` (serialized tf.Example), `csv` (each file has a header line) or `parquet`. CSV and TFRecord
        files may be compressed with gzip, whatever their names are.
      encoding: encoding of CSV files, as Python names it. A byte order mark is dropped.
      split: shares of train, validation and test, such as `0.8/0.1/0.1`. Each row falls into a split by a hash of its
        content without the label, so rows that are added later move no other row. null: the folders in `data.path` are
        the splits.
      group: a column, such as the number of a customer. All rows with one value of it fall into one split. Needs
        `data.split`.
      time: a column of numbers, dates or timestamps. The oldest rows are for training, the newest for the test. Needs
        `data.split`.
      unlabelled: file, folder of files, or glob with further rows in `data.format`. They join the training split
        without a label, so the student learns from them what the teachers say of them.
    """

    path: str | None = runtime(None)
    span: NotNegative | None = None
    format: Literal["tfrecord", "csv", "parquet"] = "tfrecord"
    encoding: str = "utf-8"
    split: str | None = None
    group: str | None = None
    time: str | None = None
    unlabelled: str | None = runtime(None)

    def __post_init__(self) -> None:
        if self.span is not None and not re.search(r"\{(SPAN(:\d+)?|YYYY)\}", self.path or ""):
            raise ConfigError(
                f"data.span={self.span} chooses among folders that data.path numbers by {{SPAN}} or by date, but "
                f"data.path is {self.path}: write {{SPAN}} instead of the number, or leave data.span out"
            )
        _assert_known(self.encoding)
        if self.split is not None:
            shares(self.split)
        for name in ("group", "time"):
            column = getattr(self, name)
            if column is not None and self.split is None:
                raise ConfigError(
                    f"data.{name}={column} says how rows are divided, but data.split is null, so the folders of the "
                    f"data are the splits: set data.split={EXAMPLE_OF_SPLIT}, or leave data.{name} out"
                )
        if self.group is not None and self.time is not None:
            raise ConfigError(
                f"data.group={self.group} and data.time={self.time} contradict each other, because the rows of one "
                "group may be old and new: leave one of them out"
            )
        if self.unlabelled is not None and "{" in self.unlabelled:
            raise ConfigError(
                f"data.unlabelled takes no placeholders, received {self.unlabelled}: give a file, a folder or a glob"
            )


def _assert_known(encoding: str) -> None:
    try:
        # Python also has codecs that make no bytes of a text.
        "".encode(encoding)
    except (LookupError, ValueError):
        raise ConfigError(
            f"data.encoding must be an encoding that Python knows, received {encoding!r}: give for example utf-8, "
            "utf-16, latin-1 or cp1252"
        ) from None


def shares(split: str) -> tuple[Fraction, ...]:
    """Reads the shares of `data.split`, in the order of `limbeck.examples.SPLITS`.

    Raises:
      ConfigError: if they are not three numbers above 0 whose sum is 1. The sum is exact, in decimals.
    """
    parts = split.split("/")
    if len(parts) != len(SPLITS) or not all(_SHARE.fullmatch(part) for part in parts):
        raise ConfigError(
            f"data.split takes the shares of {', '.join(SPLITS)}, such as {EXAMPLE_OF_SPLIT}; received {split!r}"
        )
    found = tuple(Fraction(part.strip()) for part in parts)
    if not all(found):
        raise ConfigError(
            f"data.split gives each of {', '.join(SPLITS)} a share above 0, because each is needed; received {split}"
        )
    if sum(found) != 1:
        raise ConfigError(
            f"the shares of data.split must have the sum 1, but that of {split} is {float(sum(found)):g}: "
            f"write for example {EXAMPLE_OF_SPLIT}"
        )
    return found
