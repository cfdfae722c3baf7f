"""The flags of KFP's programs. All arguments reach the programs as texts in flags."""

from __future__ import annotations

import json
from typing import Any


def parse_flags(command_line: list[str]) -> dict[str, str]:
    """Returns the flags of a driver or launcher, by name."""
    flags, position = {}, 0
    while position < len(command_line) and command_line[position] != "--":
        word = command_line[position]
        if word.startswith("--") and position + 1 < len(command_line):
            flags[word[2:]] = command_line[position + 1]
            position += 1
        position += 1
    return flags


def of_flags(flags: dict[str, str], key: str) -> Any:
    """Returns a message from a flag."""
    return json.loads(flags[key]) if flags.get(key) else {}
