"""Finds the kind of each column: one kind for the whole input, for all its files and splits.

If kinds were inferred file by file, a column could be an integer in one file and a float in the next, and everything
downstream fails on the mixture. So every file yields evidence, and the evidence of all files of all splits is merged.
Only then is a kind settled. If the task declares a column, its declaration settles the kind, and the evidence shows
whether the values agree: a column of whole numbers today may hold 17.5 tomorrow.
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from limbeck.components.example_gen.declaration import Declaration, Declared
from limbeck.errors import DataError, nearest

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
# The largest float32 plus half a unit: numbers below this are rounded to a finite number.
FLOAT32_LIMIT = (2 - 2**-24) * 2.0**127


class Kind(enum.IntEnum):
    """Kinds of values, from narrow to wide. A column has the widest kind of its values.

    LONG are integers beyond int64. In a column of integers, they make the column a text, because float32 would make
    different integers equal. In a column with decimal points, they are floats.
    """

    EMPTY = 0
    INTEGER = 1
    LONG = 2
    FLOAT = 3
    TEXT = 4


class Sighting(NamedTuple):
    """Values of one kind in one column.

    Attributes:
      place: the first place by name: a file, or file and line.
      value: one of the values, as it is written; empty if the format tells kinds without reading values.
    """

    place: str
    value: str = ""


Columns = Mapping[str, Kind]
Evidence = Mapping[str, Mapping[Kind, Sighting]]

_BOOLEANS = {"true": 1, "false": 0}
_EXACT_FLOAT64 = 2**53

_INTEGER = "[+-]?[0-9]{1,18}"
_FLOAT = r"[+-]?[0-9]{1,25}(?:\.[0-9]*)?(?:[eE][+-]?[0-9])?"
# Matches lines that each hold one field of this kind or a narrower one, or nothing.
_NO_WIDER = {
    kind: re.compile(rf"(?:(?:{field})?\n)*(?:{field})?")
    for kind, field in ((Kind.EMPTY, ""), (Kind.INTEGER, _INTEGER), (Kind.LONG, _INTEGER), (Kind.FLOAT, _FLOAT))
}

# The widest kind of values that a declared column may hold. It is also the kind that the column gets.
_DECLARED = {"number": Kind.FLOAT, "integer": Kind.INTEGER, "text": Kind.TEXT}
_NAMES = {Kind.INTEGER: "INT", Kind.LONG: "integers beyond 64 bits", Kind.FLOAT: "FLOAT", Kind.TEXT: "text"}


def kind_of(value: str) -> Kind:
    """Returns the narrowest kind of one field of a text file. Blanks around a number do not matter."""
    if not value:
        return Kind.EMPTY
    if not value.isascii() or "_" in value:
        # Python takes these for numbers. No other program does.
        return Kind.TEXT
    try:
        number = float(value)
    except ValueError:
        return Kind.TEXT
    if value.strip().lstrip("+-").isdigit() and len(value) < 40:  # noqa: PLR2004, none longer is a float32
        if INT64_MIN <= int(value) <= INT64_MAX:
            return Kind.INTEGER
        return Kind.LONG if fits_float32(number) else Kind.TEXT
    overflown = math.isinf(number) and any(letter.isdigit() for letter in value)
    return Kind.FLOAT if fits_float32(number) and not overflown else Kind.TEXT


def surely_no_wider(kind: Kind, fields: Sequence[str]) -> bool:
    """Returns True only if `kind_of` finds no wider kind in any of the fields. False means that it is unknown.

    One regular expression over all fields is ten times as fast as a call for each field.
    """
    if kind == Kind.TEXT:
        return True
    pattern = _NO_WIDER.get(kind)
    text = "\n".join(fields)
    # A field that holds a line break would look like two.
    return pattern is not None and text.count("\n") == len(fields) - 1 and pattern.fullmatch(text) is not None


def reader_of(declared: Declared | None) -> Callable[[str], Kind]:
    """Returns the function that finds the kind of a field in a column, from the column's declaration if there is one.

    A program that writes tables does not know what a task declares. pandas writes whole numbers as 7.0 if one value of
    the column is missing, and booleans as words. So both count as integers if the task declares integers. The words
    count as numbers if the task declares numbers.
    """
    if declared is None or declared.kind == "text":
        return kind_of
    return _kind_of_integer if declared.kind == "integer" else _kind_of_number


def _kind_of_number(value: str) -> Kind:
    kind = kind_of(value)
    return Kind.INTEGER if kind == Kind.TEXT and value.lower() in _BOOLEANS else kind


def _kind_of_integer(value: str) -> Kind:
    kind = _kind_of_number(value)
    return Kind.INTEGER if kind == Kind.FLOAT and is_whole(float(value)) else kind


def is_whole(number: float) -> bool:
    """Returns whether a float is an integer that both int64 and a float64 hold exactly."""
    return number.is_integer() and abs(number) <= _EXACT_FLOAT64


def whole(value: str) -> int:
    """Returns the integer of a field that `reader_of` takes for an integer and Python does not: a boolean, or 7.0."""
    boolean = _BOOLEANS.get(value.lower())
    return int(float(value)) if boolean is None else boolean


def place_of(path: str, names: Sequence[str], name: str) -> int:
    """Returns the position of a column. Raises DataError if a file has no such column."""
    if name not in names:
        raise DataError(
            f"{path}: the settings of data name the column '{name}', which is not there.{nearest(name, names)} "
            f"There are {_brief(names, ())}"
        )
    return list(names).index(name)


def fits_float32(number: float) -> bool:
    """Returns whether float32 can hold a number, rounded, without turning a finite number into an infinite one."""
    return not math.isfinite(number) or -FLOAT32_LIMIT < number < FLOAT32_LIMIT


def evidence(path: str, kinds: Columns) -> Evidence:
    """Returns the evidence of one file whose columns have one kind each."""
    return {name: {kind: Sighting(path)} for name, kind in kinds.items()}


def merge(parts: Iterable[Evidence]) -> Evidence:
    """Merges evidence. The order and grouping of the parts do not matter."""
    merged: dict[str, dict[Kind, Sighting]] = {}
    for part in parts:
        for name, sightings in part.items():
            known = merged.setdefault(name, {})
            for kind, sighting in sightings.items():
                known[kind] = min(sighting, known.get(kind, sighting))
    return merged


def settle(found: Evidence, declaration: Declaration) -> Columns:
    """Settles the kind of each column: the declared kind, otherwise the widest kind of its values.

    Raises:
      DataError: if a declared column holds values of a wider kind.
    """
    wrong = [
        line for name in declaration if name in found for line in _contradictions(name, found[name], declaration)
    ]
    if wrong:
        listed = "\n".join(f"  - {line}" for line in wrong)
        raise DataError(f"the data do not hold what the task declares:\n{listed}")
    return {name: _settled(name, sightings, declaration) for name, sightings in found.items()}


def agreed(found: Evidence, declaration: Declaration) -> Columns:
    """Settles each column as `settle` does.

    Raises:
      DataError: as `settle` does, and if a column is text in one file and a number in another, or if a column that is
        declared as text holds numbers.
    """
    for name, sightings in sorted(found.items()):
        numeric = [sighting for kind, sighting in sorted(sightings.items()) if Kind.EMPTY < kind < Kind.TEXT]
        if numeric and Kind.TEXT in sightings:
            raise DataError(
                f"column '{name}' must be of one type in all files, but holds numbers in {numeric[0].place} and text "
                f"in {sightings[Kind.TEXT].place}: write one of them again"
            )
    for name, declared in declaration.items():
        numbers = [kind for kind in found.get(name, {}) if Kind.EMPTY < kind < Kind.TEXT]
        if declared.kind == "text" and numbers:
            raise DataError(
                f"column '{name}': the task declares it as text, but {found[name][numbers[0]].place} holds "
                f"{_NAMES[numbers[0]]}: cast the column to text, or correct the kind that the task declares"
            )
    return settle(found, declaration)


def _settled(name: str, sightings: Mapping[Kind, Sighting], declaration: Declaration) -> Kind:
    if name in declaration:
        return _DECLARED[declaration[name].kind]
    widest = max(sightings)
    return Kind.TEXT if widest == Kind.LONG else widest


def _contradictions(name: str, sightings: Mapping[Kind, Sighting], declaration: Declaration) -> list[str]:
    declared = declaration[name].kind
    wider = [kind for kind in sorted(sightings) if kind > _DECLARED[declared]]
    if not wider:
        return []
    sighting = sightings[wider[-1]]
    held = _NAMES[wider[-1]] + (f", such as {sighting.value!r}" if sighting.value else "")
    if wider[-1] == Kind.TEXT and _overflows(sighting.value):
        held = f"{sighting.value!r}, a number that is too large for float32"
    return [
        f"column '{name}': the task declares it as {declared}, but {sighting.place} holds {held}: correct "
        "the data, or the kind that the task declares"
    ]


def _overflows(text: str) -> bool:
    """Returns whether a field that `kind_of` takes for text is a number too large for float32."""
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and "_" not in text


def check_names(path: str, names: Sequence[str]) -> None:
    """Raises DataError if a column has no name, or if two columns have the same name."""
    for index, name in enumerate(names, start=1):
        if not name:
            raise DataError(
                f"{path}: every column needs a name, but column {index} has none: name it, or leave it out "
                "(pandas writes its index so, unless to_csv is told index=False)"
            )
        if name in names[: index - 1]:
            raise DataError(f"{path}: column names must differ, but '{name}' occurs twice: rename one")


def check_same(first: str, expected: Sequence[str], path: str, received: Sequence[str]) -> None:
    """Raises DataError if two files of one split do not have the same columns in the same order."""
    if list(expected) != list(received):
        raise DataError(
            f"files of one split must have the same columns, but {first} has {_brief(expected, received)} and "
            f"{path} has {_brief(received, expected)}"
        )


def check_features(
    path: str, names: Sequence[str], beside: str, expected: Sequence[str], declaration: Declaration
) -> None:
    """Raises DataError if a file of rows without a label lacks a declared feature that the other rows have.

    Otherwise the missing feature would count as a missing value in each row. Teachers would answer anyway, and the
    student would learn these answers.
    """
    for name in expected:
        if name in declaration and name not in names:
            raise DataError(
                f"{path}: rows without a label must have the features of the others, but there is no column "
                f"'{name}', which {beside} has.{nearest(name, names)} There are {_brief(names, ())}: rename the "
                "column, or leave the file out of data.unlabelled"
            )


def _brief(names: Sequence[str], others: Sequence[str]) -> str:
    """Returns the names that the other file lacks. If only the order differs, returns all names in their order."""
    extra = [name for name in names if name not in others]
    if extra:
        return "also " + ", ".join(f"'{name}'" for name in extra[:10])
    if set(names) == set(others):
        return "the order " + ", ".join(f"'{name}'" for name in names[:10])
    return f"only {len(names)} columns"
