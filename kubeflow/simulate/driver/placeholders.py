"""Placeholders of parameters that the driver itself replaces, from 2.17 on.

It replaces them before the launcher adds defaults. So a placeholder of an input without value ends the driver even if
the component has a default. An argument that mentions outputs is left to the launcher as a whole.
"""

from __future__ import annotations

import json
import re
from typing import Any

from limbeck.kubeflow.simulate.driver.options import DriverError
from limbeck.kubeflow.simulate.values import text_in_driver

_WHOLE = re.compile(r"\{\{\$\.inputs\.parameters\['(.+?)']}}")
_ANY = re.compile(r"\$.inputs.parameters\['(.+?)'\]")


def words(given: list[str], values: dict[str, Any]) -> list[str]:
    """Returns the words of a command with replaced placeholders. Raises DriverError for an input without value."""
    found: list[str] = []
    for word in given:
        if "$.outputs" in word:
            found.append(word)
        elif word.strip().startswith('{"IfPresent":'):
            found += _if_present(word, values)
        else:
            found.append(_replace(word, values))
    return found


def single(text: str, values: dict[str, Any]) -> str:
    """Returns an image or a quantity that may be a placeholder. Raises DriverError if the parameter has no value."""
    match = _ANY.search(text)
    if match is None:
        return text
    if match.group(1) not in values:
        raise DriverError(f"{text!r} stands for a parameter that has no value")
    value = values[match.group(1)]
    return value if isinstance(value, str) else ""


def _replace(word: str, values: dict[str, Any]) -> str:
    def value(match: re.Match[str]) -> str:
        if match.group(1) not in values:
            raise DriverError(
                f"parameter {match.group(1)!r} not found in the executor input: a placeholder for what may be missing "
                "fails from KFP 2.17 on; read {{$}} instead"
            )
        return text_in_driver(values[match.group(1)])

    return _WHOLE.sub(value, word)


def _if_present(word: str, values: dict[str, Any]) -> list[str]:
    try:
        clause = json.loads(word)["IfPresent"]
    except (ValueError, KeyError, TypeError):
        raise DriverError(f"not a condition of an argument: {word!r}") from None
    chosen = clause.get("Then" if values.get(clause.get("InputName")) is not None else "Else")
    if chosen is None:
        return []
    several = [chosen] if isinstance(chosen, str) else chosen
    if not isinstance(several, list) or not all(isinstance(each, str) for each in several):
        raise DriverError(f"Then and Else of an argument are texts or lists of texts: {word!r}")
    return [_replace(each, values) for each in several]
