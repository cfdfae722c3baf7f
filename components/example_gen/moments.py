"""Orders rows by time, and finds the times at which the splits begin: exact quantiles over the whole input.

An approximate quantile would depend on the order in which files are read. So all times are collected, with 8 bytes for
each row. Rows of the same time stay together: a test row of the same second as a training row is not later than the
training row.
"""

from __future__ import annotations

import array
import dataclasses
import datetime
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from limbeck.errors import DataError

# A number stays as it is. A date or timestamp becomes nanoseconds since 1970 in UTC.
Moment = int | float
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?)?\s*(Z|[+-]\d\d:?\d\d)?", re.ASCII
)
# All times here are in UTC.
_EPOCH = datetime.datetime(1970, 1, 1)
_SECOND = 10**9
_INT64 = 2**63
_SHOWN = 60


class Parsed(NamedTuple):
    """A time, and whether it is a date or timestamp."""

    moment: Moment
    is_date: bool


def parse(value: Any) -> Parsed:
    """Reads a time. A date is its first second; a timestamp without a zone is in UTC.

    Args:
      value: a number, or a date or timestamp, or the text of one of them: `2024-01-31`, `2024-01-31T12:30:00.5+01:00`.

    Raises:
      ValueError: if it is something else.
    """
    if isinstance(value, list) and len(value) == 1:
        [value] = value
    if isinstance(value, (datetime.datetime, datetime.date)):
        value = value.isoformat()
    if isinstance(value, bytes):
        value = value.decode()
    if isinstance(value, str):
        if found := _ISO.fullmatch(value.strip()):
            return Parsed(_nanoseconds(*found.groups()), True)
        text = value.strip()
        value = int(text) if text.lstrip("+-").isdecimal() and text.isascii() else float(text)
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(value)
    return Parsed(value, False)


def shown(moment: Moment, is_date: bool) -> str:
    """Returns a time as a text, nearly as the user wrote it."""
    if not is_date:
        return str(moment)
    seconds, rest = divmod(int(moment), _SECOND)
    text = (_EPOCH + datetime.timedelta(seconds=seconds, microseconds=rest // 1000)).isoformat()
    return text.removesuffix("T00:00:00")


@dataclasses.dataclass(frozen=True)
class Times:
    """The times of a part of the rows.

    Attributes:
      integers: times that are integers, sorted (NumPy, int64 `[n]`).
      floats: other times, sorted (NumPy, float64 `[m]`).
      dates: the first place of a date or timestamp; empty if there is none.
      numbers: the first place of a number; empty if there is none.
      missing: number of rows without a time.
      gap: the first place of such a row.
    """

    integers: Any
    floats: Any
    dates: str = ""
    numbers: str = ""
    missing: int = 0
    gap: str = ""


def gather(column: str, rows: Iterable[tuple[str, Any]]) -> Times:
    """Reads the times of one file.

    Args:
      column: the column of the times, for messages.
      rows: place and raw value of each row; None or an empty text or list if the value is missing.

    Raises:
      DataError: if a value is neither a number nor a date. The message names its place.
    """
    import numpy as np

    integers, floats = array.array("q"), array.array("d")
    places = {True: "", False: ""}
    missing, gap = 0, ""
    for place, value in rows:
        if value is None or value in ("", b"", []):
            missing, gap = missing + 1, gap or place
            continue
        try:
            moment, is_date = parse(value)
        except (ValueError, OverflowError):
            raise DataError(
                f"{place}: data.time names the column '{column}', which must hold numbers, or dates and timestamps "
                f"such as 2024-01-31 or 2024-01-31T12:30:00, but holds {str(value)[:_SHOWN]!r}"
            ) from None
        places[is_date] = places[is_date] or place
        if isinstance(moment, int) and -_INT64 <= moment < _INT64:
            integers.append(moment)
        else:
            floats.append(moment)
    return Times(
        np.sort(np.frombuffer(integers, np.int64)) if integers else np.zeros(0, np.int64),
        np.sort(np.frombuffer(floats, np.float64)) if floats else np.zeros(0, np.float64),
        places[True],
        places[False],
        missing,
        gap,
    )


def merge(parts: Iterable[Times]) -> Times:
    """Merges times. The order and grouping of the parts do not matter."""
    import numpy as np

    parts = [*parts]
    empty = Times(np.zeros(0, np.int64), np.zeros(0, np.float64))
    return Times(
        np.sort(np.concatenate([one.integers for one in (empty, *parts)])),
        np.sort(np.concatenate([one.floats for one in (empty, *parts)])),
        min((one.dates for one in parts if one.dates), default=""),
        min((one.numbers for one in parts if one.numbers), default=""),
        sum(one.missing for one in parts),
        min((one.gap for one in parts if one.gap), default=""),
    )


@dataclasses.dataclass(frozen=True)
class Cuts:
    """Where the later splits begin.

    Attributes:
      firsts: for each split but the first, its name and its first time; None if no row is late enough.
      is_date: whether times are nanoseconds.
      rounded: whether times were compared as float64, because some are not integers.
    """

    firsts: tuple[tuple[str, Moment | None], ...]
    is_date: bool
    rounded: bool

    def reached(self, moment: Moment, first: Moment | None) -> bool:
        """Returns whether a time is at or after the first time of a split."""
        return first is not None and (float(moment) if self.rounded else moment) >= first

    def told(self) -> Iterator[str]:
        """Yields where each split begins, in words."""
        for split, first in self.firsts:
            if first is not None:
                yield f"{split} begins at {shown(first, self.is_date)}"


def cuts(column: str, times: Times, splits: Sequence[str], boundaries_of: Callable[[int], Sequence[int]]) -> Cuts:
    """Finds where the later splits begin.

    A row is in the last split for which enough rows are strictly older than it. So rows of one time are together.

    Args:
      column: the column of the times, for messages.
      times: those of all rows.
      splits: names of the splits but the first.
      boundaries_of: gets the number of rows. Returns, for each of `splits`, how many rows must be older.

    Raises:
      DataError: if a row has no time, or if the column holds both dates and numbers.
    """
    import numpy as np

    found = len(times.integers) + len(times.floats)
    if times.missing:
        raise DataError(
            f"data.time needs a value of '{column}' in every row, but {times.missing} of {found + times.missing} rows "
            f"have none (first in {times.gap}): fill it, or leave these rows out"
        )
    if times.dates and times.numbers:
        raise DataError(
            f"data.time needs a column of one kind, but '{column}' holds dates ({times.dates}) and numbers "
            f"({times.numbers}): write all of them in one way"
        )
    rounded = len(times.floats) > 0
    every = (
        np.sort(np.concatenate([times.integers.astype(np.float64), times.floats])) if rounded else times.integers
    )
    values, older = np.unique(every, return_index=True)
    firsts = []
    for split, least in zip(splits, boundaries_of(found), strict=True):
        position = int(np.searchsorted(older, least))
        firsts.append((split, values[position].item() if position < len(values) else None))
    return Cuts(tuple(firsts), bool(times.dates), rounded)


def _nanoseconds(*parts: str | None) -> int:
    year, month, day, hour, minute, second, fraction, zone = parts
    numbers = [int(part or 0) for part in (year, month, day, hour, minute, second)]
    since = datetime.datetime(*numbers) - _EPOCH  # type: ignore[arg-type]
    total = (since.days * 86400 + since.seconds) * _SECOND + int((fraction or "").ljust(9, "0"))
    if zone and zone != "Z":
        minutes = int(zone[1:3]) * 60 + int(zone[-2:])
        total -= (minutes if zone[0] == "+" else -minutes) * 60 * _SECOND
    return total
