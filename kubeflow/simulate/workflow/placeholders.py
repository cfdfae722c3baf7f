"""How templates of Argo refer to values, and how Argo puts the values in."""

from __future__ import annotations

import re
from collections.abc import Mapping


def given(parameter: str) -> str:
    """Refers to an input parameter of the template."""
    return f"{{{{inputs.parameters.{parameter}}}}}"


def output_of(task: str, parameter: str) -> str:
    """Refers to an output parameter of another task."""
    return f"{{{{tasks.{task}.outputs.parameters.{parameter}}}}}"


def output_path(parameter: str) -> str:
    """Refers to the file of an output parameter."""
    return f"{{{{outputs.parameters.{parameter}.path}}}}"


def fill(text: str, values: Mapping[str, str]) -> str:
    """Replaces references whose value is known. Other double braces stay as they are: KFP's own placeholders too."""
    return re.sub(r"\{\{([^{}]+)\}\}", lambda match: values.get(match.group(1).strip(), match.group()), text)
