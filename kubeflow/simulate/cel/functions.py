"""The functions that an expression may call, by the kinds of their arguments."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from limbeck.kubeflow.simulate.cel.tokens import CelError


def call(name: str, values: list[Any]) -> Any:
    kinds = tuple(map(kind, values))
    function = _FUNCTIONS.get(name)
    if function is None:
        raise CelError(f"undeclared reference to function {name!r}")
    allowed, work = function
    if not any(
        len(kinds) == len(row) and all(k in one for k, one in zip(kinds, row, strict=True)) for row in allowed
    ):
        raise CelError(f"no such overload: {name}({', '.join(kinds)})")
    try:
        return work(*values)
    except (ValueError, re.error) as error:
        raise CelError(f"{name}: {error}") from None


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _parsed(text: str) -> Any:
    return json.loads(text, parse_int=float)


_Row = tuple[tuple[str, ...], ...]
_SIZED, _NUMBER, _STRING = ("string", "list", "map"), ("int", "double", "string"), ("string",)
_FUNCTIONS: dict[str, tuple[tuple[_Row, ...], Callable[..., Any]]] = {
    "size": (((_SIZED,),), len),
    "int": (((_NUMBER,),), int),
    "double": (((_NUMBER,),), float),
    "string": ((((*_NUMBER, "bool"),),), _text),
    "bool": (((("bool", "string"),),), lambda value: value if isinstance(value, bool) else _to_bool(value)),
    "contains": (((_STRING, _STRING),), lambda text, part: part in text),
    "startsWith": (((_STRING, _STRING),), lambda text, part: text.startswith(part)),
    "endsWith": (((_STRING, _STRING),), lambda text, part: text.endswith(part)),
    "matches": (((_STRING, _STRING),), lambda text, pattern: re.search(pattern, text) is not None),
    "parseJson": (((_STRING,),), _parsed),
}


def _to_bool(text: str) -> bool:
    words = {"true": True, "True": True, "TRUE": True, "t": True, "1": True}
    words |= {"false": False, "False": False, "FALSE": False, "f": False, "0": False}
    if text not in words:
        raise ValueError(f"{text!r} is no bool")
    return words[text]


def kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    names = {int: "int", float: "double", str: "string", list: "list", dict: "map"}
    return names[type(value)]
