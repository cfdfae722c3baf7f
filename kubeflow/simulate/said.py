"""Finds the lines in the log of a command that are a word in capitals and a JSON value."""

from __future__ import annotations

import json
import re
from typing import Any

_LINE = re.compile(r"([A-Z]{2,})\s+([\[{\"].*)")


def said(log: str) -> list[dict[str, Any]]:
    """The values, each below its word in small letters. Lines that only look like it are passed over."""
    found = []
    for line in log.splitlines():
        match = _LINE.fullmatch(line)
        if match:
            try:
                found.append({match.group(1).lower(): json.loads(match.group(2))})
            except ValueError:
                continue
    return found
