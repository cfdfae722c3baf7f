"""The flags of KFP's programs, in which everything reaches them as text."""

from __future__ import annotations

import json
from typing import Any


def parse_flags(command_line: list[str]) -> dict[str, str]:
    """The flags of a driver or launcher: a name and its value each."""
    flags, position = {}, 0
    while position < len(command_line) and command_line[position] != "--":
        word = command_line[position]
        if word.startswith("--") and position + 1 < len(command_line):
            flags[word[2:]] = command_line[position + 1]
            position += 1
        position += 1
    return flags


def of_flags(flags: dict[str, str], key: str) -> Any:
    """A message among the flags."""
    return json.loads(flags[key]) if flags.get(key) else {}
