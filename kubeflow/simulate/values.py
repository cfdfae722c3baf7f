"""Writes values of parameters as texts, as Go does. So KFP passes numbers, lists and structures to commands."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

ESCAPED = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


# Powers of ten between which `%g` writes a number without exponent.
_SHORT_FROM, _SHORT_TO = -4, 6
_WHOLE_TO = 2**63
# The kind of values of each type of parameter. A whole number and a fraction are the same kind: 1.5 is taken for
# NUMBER_INTEGER, and arrives as 1.5.
KINDS = {
    "NUMBER_DOUBLE": "number",
    "NUMBER_INTEGER": "number",
    "STRING": "string",
    "BOOLEAN": "bool",
    "LIST": "list",
    "STRUCT": "struct",
}


def stable_json(value: Any) -> str:
    """Returns JSON as Go's encoder writes a parsed document: sorted keys, no blanks, five characters escaped."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.translate(ESCAPED)


def plain(number: float) -> str:
    """Returns a number without exponent, such as 0.1, 3 or 100000000000000000000000."""
    text = format(Decimal(repr(float(number))), "f")
    return text.removesuffix(".0")


def short(number: float) -> str:
    """Returns a number as Go's `%g` writes it: with an exponent below 1e-4 and from 1e6 on."""
    sign, digits, exponent = Decimal(repr(float(number))).normalize().as_tuple()
    if not isinstance(exponent, int) or digits == (0,):
        return "0" if digits == (0,) else str(number)
    power = len(digits) + exponent - 1
    if _SHORT_FROM <= power < _SHORT_TO:
        return plain(number)
    mantissa = str(digits[0]) + ("." + "".join(map(str, digits[1:])) if digits[1:] else "")
    return f"{'-' if sign else ''}{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"


def text_of(value: Any) -> str:
    """Returns a parameter's value as a text, as in a STRING input or for a placeholder of the launcher."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)):
        return plain(value)
    return stable_json(value)


def text_in_driver(value: Any) -> str:
    """Returns the text for a placeholder of the driver: a fraction as `%g`, a whole number with all its digits."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return text_of(value)
    whole = float(value).is_integer() and abs(value) < _WHOLE_TO
    return str(int(float(value))) if whole else short(value)


def kind_of(value: Any) -> str:
    """Returns the name of a value's kind in KFP's messages."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    kinds: dict[type, str] = {str: "string", list: "list", dict: "struct"}
    return kinds[type(value)]
