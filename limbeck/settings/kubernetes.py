"""Names as Kubernetes takes them.

It refuses others when it makes a pod, and a node may begin hours after its pipeline was compiled.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_LABEL = r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?"
_LONGEST_SUBDOMAIN, _LONGEST_LABEL = 253, 63


def _pattern(pattern: str, longest: int, rule: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if compiled.fullmatch(text) is None or len(text) > longest:
            raise PydanticCustomError("name", "{rule}", {"rule": rule})
        return text

    return AfterValidator(check)


def _label_key(text: str) -> str:
    prefix, slash, name = text.rpartition("/")
    good = re.fullmatch(_LABEL, name) and len(name) <= _LONGEST_LABEL
    if slash:
        good = good and re.fullmatch(_SUBDOMAIN, prefix) and len(prefix) <= _LONGEST_SUBDOMAIN
    if not good:
        raise PydanticCustomError("label", "Input should be the key of a label, such as pool or example.com/pool")
    return text


def _mount_path(text: str) -> str:
    parts = text.split("/")
    if parts[0] or not all(parts[1:]) or ":" in text or "{{" in text or {".", ".."} & set(parts):
        raise PydanticCustomError("path", "Input should be an absolute path such as /mnt/data")
    return text


def _annotation(text: str) -> str:
    if "{{" in text:
        raise PydanticCustomError("annotation", "Input should not hold {{, which Argo would replace")
    return text


LabelKey = Annotated[str, AfterValidator(_label_key)]
LabelValue = Annotated[
    str,
    _pattern(
        rf"({_LABEL})?",
        _LONGEST_LABEL,
        f"Input should be the value of a label: letters, digits, '-', '_' and '.', {_LONGEST_LABEL} at most",
    ),
]
Annotation = Annotated[str, AfterValidator(_annotation)]
# Of a secret or a claim.
ObjectName = Annotated[
    str,
    _pattern(
        _SUBDOMAIN, _LONGEST_SUBDOMAIN, "Input should be the name of an object: lower case, digits, '-' and '.'"
    ),
]
# A volume is named after its claim, and the name of a volume holds no dots.
ClaimName = Annotated[
    str,
    _pattern(
        r"[a-z0-9]([-a-z0-9]*[a-z0-9])?",
        _LONGEST_LABEL,
        f"Input should be the name of a claim: lower case, digits and '-', {_LONGEST_LABEL} at most",
    ),
]
SecretKey = Annotated[
    str,
    _pattern(
        r"[-._A-Za-z0-9]+", _LONGEST_SUBDOMAIN, "Input should be a key of a secret: letters, digits, '-', '_', '.'"
    ),
]
VariableName = Annotated[
    str,
    _pattern(
        r"[A-Za-z_][A-Za-z0-9_]*",
        _LONGEST_SUBDOMAIN,
        "Input should be the name of a variable: letters, digits and '_', no digit first",
    ),
]
MountPath = Annotated[str, AfterValidator(_mount_path)]
# A resource of Kubernetes, or a constant of Vertex AI.
AcceleratorType = Annotated[
    str,
    _pattern(
        rf"{_SUBDOMAIN}/{_LABEL}|[A-Z][A-Z0-9_]*",
        _LONGEST_SUBDOMAIN,
        "Input should be an accelerator such as nvidia.com/gpu (Kubernetes) or NVIDIA_TESLA_T4 (Vertex AI)",
    ),
]
