"""The kind of each column: one for the whole input, whatever file, split or bundle a value stands in.

Kinds that were inferred a file at a time would make a column an integer in one file and a float in the next, and
everything downstream fails on the mixture. So every file yields evidence, the evidence is merged over all files of
all splits, and only then is a kind settled.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Mapping, Sequence

from limbeck.errors import DataError

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
# Half a unit above the largest float32: what lies below is rounded to a finite number.
_FLOAT32_LIMIT = (2 - 2**-24) * 2.0**127


class Kind(enum.IntEnum):
    """What values are, from narrow to wide: a column has the widest of its values.

    LONG are integers beyond int64. A column of integers with a LONG is kept as text, since float32 would make
    different ones equal; among numbers with a decimal point it is one more float.
    """

    EMPTY = 0
    INTEGER = 1
    LONG = 2
    FLOAT = 3
    TEXT = 4


Columns = Mapping[str, Kind]
# By column and kind: the first file, by name, that holds such a value.
Evidence = Mapping[str, Mapping[Kind, str]]


def kind_of(value: str) -> Kind:
    """The narrowest kind of one field of a text file; blanks around a number do not matter."""
    if not value:
        return Kind.EMPTY
    if not value.isascii() or "_" in value:
        # What only Python takes for a number.
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


def fits_float32(number: float) -> bool:
    """Whether float32 holds it, rounded, without turning a finite number into an infinite one."""
    return not math.isfinite(number) or -_FLOAT32_LIMIT < number < _FLOAT32_LIMIT


def evidence(path: str, kinds: Columns) -> Evidence:
    """The evidence of one file."""
    return {name: {kind: path} for name, kind in kinds.items()}


def merge(parts: Iterable[Evidence]) -> Evidence:
    """Merges evidence; the order and grouping of the parts do not matter."""
    merged: dict[str, dict[Kind, str]] = {}
    for part in parts:
        for name, paths in part.items():
            known = merged.setdefault(name, {})
            for kind, path in paths.items():
                known[kind] = min(path, known.get(kind, path))
    return merged


def widest(found: Evidence, text: Sequence[str] = ()) -> Columns:
    """Settles each column on the widest of its kinds; columns named in `text` are text whatever they look like."""
    kinds = {name: Kind.TEXT if name in text else max(paths) for name, paths in found.items()}
    return {name: Kind.TEXT if kind == Kind.LONG else kind for name, kind in kinds.items()}


def agreed(found: Evidence) -> Columns:
    """Settles each column as `widest` does.

    Raises:
      DataError: where a column is text in one file and a number in another.
    """
    for name, paths in sorted(found.items()):
        numeric = [path for kind, path in sorted(paths.items()) if Kind.EMPTY < kind < Kind.TEXT]
        if numeric and Kind.TEXT in paths:
            raise DataError(
                f"column '{name}' must be of one type in all files, but holds numbers in {numeric[0]} and text in "
                f"{paths[Kind.TEXT]}: write one of them again"
            )
    return widest(found)


def check_names(path: str, names: Sequence[str]) -> None:
    """Raises DataError where a column has no name, or two have the same."""
    for index, name in enumerate(names, start=1):
        if not name:
            raise DataError(
                f"{path}: every column needs a name, but column {index} has none: name it, or leave it out "
                "(pandas writes its index so, unless to_csv is told index=False)"
            )
        if name in names[: index - 1]:
            raise DataError(f"{path}: column names must differ, but '{name}' stands there twice: rename one")


def check_same(first: str, expected: Sequence[str], path: str, received: Sequence[str]) -> None:
    """Raises DataError where two files of one split do not have the same columns in the same order."""
    if list(expected) != list(received):
        raise DataError(
            f"files of one split must have the same columns, but {first} has {_brief(expected, received)} and "
            f"{path} has {_brief(received, expected)}"
        )


def _brief(names: Sequence[str], others: Sequence[str]) -> str:
    """Those names that the other file lacks; all of them, in their order, where that is the only difference."""
    extra = [name for name in names if name not in others]
    if extra:
        return "also " + ", ".join(f"'{name}'" for name in extra[:10])
    if set(names) == set(others):
        return "the order " + ", ".join(f"'{name}'" for name in names[:10])
    return f"only {len(names)} columns"
