"""References to values in Argo's templates, and their replacement."""

from __future__ import annotations

import re
from collections.abc import Mapping


def given(parameter: str) -> str:
    """Returns a reference to an input parameter of the template."""
    return f"{{{{inputs.parameters.{parameter}}}}}"


def output_of(task: str, parameter: str) -> str:
    """Returns a reference to an output parameter of another task."""
    return f"{{{{tasks.{task}.outputs.parameters.{parameter}}}}}"


def output_path(parameter: str) -> str:
    """Returns a reference to the file of an output parameter."""
    return f"{{{{outputs.parameters.{parameter}.path}}}}"


def fill(text: str, values: Mapping[str, str]) -> str:
    """Replaces references with known values. Other double braces, such as KFP's placeholders, stay unchanged."""
    return re.sub(r"\{\{([^{}]+)\}\}", lambda match: values.get(match.group(1).strip(), match.group()), text)
