"""A schedule as people write it, in the five fields of cron, and as each service wants it.

KFP's parser takes five fields as well, and reads the first as *seconds*: `0 6 * * *` would run each hour, at minute 6.
Both services take what they do not understand until a run is due. So the fields are checked here, and translated.
"""

from __future__ import annotations

import dataclasses
import re

from limbeck.errors import ConfigError

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]


@dataclasses.dataclass(frozen=True)
class _Field:
    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()


# Both 0 and 7 are Sundays.
_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, tuple(_MONTHS)),
    _Field("day of the week", 0, 7, tuple(_DAYS)),
)
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_PART = re.compile(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/(\d+))?", re.ASCII)
_ALL = re.compile(r"\*(/\d+)?")
_SUNDAY = 7


@dataclasses.dataclass(frozen=True)
class Schedule:
    """When runs start, in UTC.

    Attributes:
      fields: minute, hour, day of the month, month, day of the week; names are numbers, and Sunday is 0.
    """

    fields: tuple[str, str, str, str, str]

    @property
    def kubeflow(self) -> str:
        """Six fields, the seconds first."""
        return " ".join(("0", *self.fields))

    @property
    def vertex(self) -> str:
        """Five fields, with their time zone."""
        return f"TZ=UTC {' '.join(self.fields)}"


def parse(text: str) -> Schedule:
    """Reads the five fields of cron. Raises ConfigError if they are no schedule."""
    parts = text.split()
    if len(parts) != len(_FIELDS):
        raise ConfigError(
            "--schedule takes the five fields of cron, minute, hour, day of the month, month, day of the week, such as "
            f"'0 6 * * 1' for Mondays at six (UTC); received {text!r}, which has {len(parts)}"
        )
    found = [_numbers(text, part, field) for part, field in zip(parts, _FIELDS, strict=True)]
    days, months = found[2], found[3]
    never = parts[4].startswith("*") and not any(
        day <= _LONGEST_MONTHS[month - 1] for month in months for day in days
    )
    if never:
        raise ConfigError(f"--schedule never comes: no month of {text!r} has such a day")
    minute, hour, day, month, week = (
        # What begins with a star leaves the choice of days to the other field; a list of all days would not.
        part if _ALL.fullmatch(part) else ",".join(map(str, sorted(numbers)))
        for part, numbers in zip(parts, found, strict=True)
    )
    return Schedule((minute, hour, day, month, week))


def _numbers(text: str, given: str, field: _Field) -> set[int]:
    numbers: set[int] = set()
    week = field.high == _SUNDAY
    for part in given.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise _wrong(text, part, field)
        star, first, last, step = match.groups()
        begin = field.low if star else _number(first, field)
        # A star counts Sunday once.
        end = (_SUNDAY - 1 if week else field.high) if star else _number(last, field) if last else begin
        stepped = step is None or (int(step) > 0 and (star or last))
        if begin is None or end is None or not field.low <= begin <= end <= field.high or not stepped:
            raise _wrong(text, part, field)
        numbers.update(range(begin, end + 1, int(step or 1)))
    return {number % _SUNDAY for number in numbers} if week else numbers


def _number(text: str, field: _Field) -> int | None:
    if text.isdecimal():
        return int(text)
    return field.words.index(text.upper()) + field.low if text.upper() in field.words else None


def _wrong(text: str, part: str, field: _Field) -> ConfigError:
    return ConfigError(
        f"--schedule: the {field.name} takes numbers from {field.low} to {field.high}, lists 1,2, ranges 1-5, and "
        f"steps */2 or 1-9/2; received {part!r} in {text!r}"
    )
