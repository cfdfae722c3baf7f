"""Reads the output file of the user's process, and the file of each output parameter. Both are read strictly."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from limbeck.kubeflow.simulate.launcher.errors import LauncherError
from limbeck.kubeflow.simulate.pod.files import PodFiles
from limbeck.kubeflow.simulate.upload.strict import FieldError, Parser, free

_BOOLS = dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True)
_BOOLS |= dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False)
_REAL = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def read(files: PodFiles, path: str, minor: int) -> dict[str, Any]:
    """Returns the output file; empty if there is none. Raises LauncherError for a field or value that KFP refuses."""
    place = files.host(path)
    if not place.exists():
        return {}
    try:
        text = place.read_text("utf-8")
        given = json.loads(text, parse_constant=_refuse, object_pairs_hook=_unique)
        return Parser(minor).message("ExecutorOutput", given)
    except (OSError, ValueError, FieldError) as error:
        raise LauncherError(f"the output file {path} cannot be read: {error}") from None


def parameters(
    files: PodFiles, executor_input: dict[str, Any], component: dict[str, Any], given: dict[str, Any]
) -> dict[str, Any]:
    """Returns the output parameters, from the output file or their own files.

    Raises:
      LauncherError: if a file is missing, or holds another type.
    """
    found = dict(given)
    definitions = component.get("outputDefinitions", {}).get("parameters", {})
    for name, parameter in executor_input.get("outputs", {}).get("parameters", {}).items():
        if name in found:
            continue
        if name not in definitions:
            raise LauncherError(f"output parameter {name!r} is not in the component's spec")
        declared, path = definitions[name].get("parameterType", ""), parameter["outputFile"]
        try:
            text = files.host(path).read_text("utf-8")
        except (OSError, ValueError) as error:
            raise LauncherError(
                f"output parameter {name!r} ({declared}): {path} cannot be read: {error}"
            ) from None
        found[name] = value_of(name, declared, text)
    return found


def value_of(name: str, declared: str, text: str) -> Any:
    """Returns the text of a file as a value of the declared type. Raises LauncherError if it has another type."""
    word = text.strip()
    if declared == "STRING":
        return text
    if declared == "NUMBER_INTEGER" and re.fullmatch(r"[-+]?\d+", word) and abs(int(word)) < 2**63:
        return free(int(word))
    if declared == "NUMBER_DOUBLE" and _REAL.fullmatch(word) and math.isfinite(float(word)):
        return free(float(word))
    if declared == "BOOLEAN" and word in _BOOLS:
        return _BOOLS[word]
    if declared in ("LIST", "STRUCT"):
        try:
            value = json.loads(text, parse_constant=_refuse)
        except ValueError:
            value = None
        if isinstance(value, list if declared == "LIST" else dict):
            return free(value)
    raise LauncherError(f"output parameter {name!r} is {declared}, and its file holds {text[:80]!r}")


def texts(files: PodFiles, executor_input: dict[str, Any]) -> dict[str, str]:
    """Returns the content of the files of output parameters."""
    found = {}
    for name, parameter in executor_input.get("outputs", {}).get("parameters", {}).items():
        place = files.host(parameter["outputFile"])
        if place.is_file():
            found[name] = place.read_text("utf-8", errors="replace")
    return found


def _refuse(word: str) -> None:
    raise ValueError(f"invalid value {word}: JSON has none, though Python writes it")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the field {key!r} is there twice")
        found[key] = value
    return found
