"""Finds lines in a command's log that consist of a word in capitals and a JSON value."""

from __future__ import annotations

import json
import re
from typing import Any

_LINE = re.compile(r"([A-Z]{2,})\s+([\[{\"].*)")


def said(log: str) -> list[dict[str, Any]]:
    """Returns the values, each under its word in small letters. Other lines are ignored."""
    found = []
    for line in log.splitlines():
        match = _LINE.fullmatch(line)
        if match:
            try:
                found.append({match.group(1).lower(): json.loads(match.group(2))})
            except ValueError:
                continue
    return found
