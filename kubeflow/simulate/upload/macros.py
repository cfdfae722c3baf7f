"""Replaces macros in the texts of run parameters, as the server does from 2.17 on: `[[RunUUID]]`, `[[CurrentTime]]`.

They are meant for recurring runs. But any text that contains one is rewritten. If a run has no schedule, macros of its
times stay unchanged.
"""

from __future__ import annotations

import datetime
import re
from typing import Any

_MACRO = re.compile(r"\[\[(.*?)\]\]|\{\{\$\.(.*?)\}\}")
_FORMAT = re.compile(r"currentTime\.strftime\('(.*)'\)")
# The parts of Go's reference time, and their meanings.
_GO = {"2006": "%Y", "01": "%m", "02": "%d", "15": "%H", "04": "%M", "05": "%S"}


def expand(parameters: dict[str, Any], run: str, now: datetime.datetime) -> dict[str, Any]:
    """Returns the parameters with replaced macros in their texts.

    Args:
      parameters: parameters of the run.
      run: id of the run.
      now: time of the run's creation.
    """

    def value(match: re.Match[str]) -> str:
        name, given = match.groups()
        if name == "RunUUID":
            return run
        if name == "CurrentTime":
            return now.strftime("%Y%m%d%H%M%S")
        if name is not None and name.startswith("CurrentTime."):
            return now.strftime(_layout(name.removeprefix("CurrentTime.")))
        asked = _FORMAT.fullmatch(given or "")
        return now.strftime(asked.group(1)) if asked else match.group()

    return {key: _MACRO.sub(value, each) if isinstance(each, str) else each for key, each in parameters.items()}


def _layout(text: str) -> str:
    for part, code in _GO.items():
        text = text.replace(part, code)
    return text
