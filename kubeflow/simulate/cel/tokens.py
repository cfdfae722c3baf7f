"""Splits a CEL expression into tokens."""

from __future__ import annotations

import ast
import dataclasses
import re
from typing import Any


class CelError(Exception):
    """An expression that cannot be read or evaluated; the message is for the user."""


@dataclasses.dataclass(frozen=True)
class Token:
    """A token: its kind (`name`, `value`, `operator`, `end`) and its value."""

    kind: str
    value: Any


_TOKEN = re.compile(
    r"""\s*(?:
    (?P<real>(?:\d+\.\d+|\.\d+)(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+)
    |(?P<whole>0x[0-9a-fA-F]+|\d+)(?P<unsigned>[uU]?)
    |(?P<raw>[rR]?)(?P<text>'''(?:[^\\]|\\.)*?'''|\"\"\"(?:[^\\]|\\.)*?\"\"\"|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")
    |(?P<name>[_a-zA-Z]\w*)
    |(?P<operator>\|\||&&|<=|>=|==|!=|[-!+*/%<>?:.,()\[\]{}])
    )""",
    re.VERBOSE | re.DOTALL,
)
_LITERALS = {"true": True, "false": False, "null": None}


def tokens(text: str) -> list[Token]:
    """Returns the tokens of an expression, with an `end`. Raises CelError for text that is no token."""
    found, position = [], 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None:
            raise CelError(f"Syntax error: token recognition error at {text[position:].strip()[:20]!r}")
        found.append(_token(match))
        position = match.end()
    return [*found, Token("end", None)]


def _token(match: re.Match[str]) -> Token:
    if match["real"]:
        return Token("value", float(match["real"]))
    if match["whole"]:
        return Token("value", int(match["whole"], 0) if "x" in match["whole"] else int(match["whole"]))
    if match["text"]:
        return Token("value", ast.literal_eval(f"{match['raw']}{match['text']}"))
    if match["name"] in _LITERALS:
        return Token("value", _LITERALS[match["name"]])
    if match["name"] and match["name"] != "in":
        return Token("name", match["name"])
    return Token("operator", match["name"] or match["operator"])
