"""From the title of an artifact's type to the class that stands for it.

TFX imports the title of a type that it does not know as if it were a Python path: `Could not import
limbeck.Measurements`. A title must have two parts for its compiler, and our classes' paths have more. The types that
Kubeflow Pipelines and Vertex AI draw, such as `system.Metrics`, have no class in TFX either.
"""

from __future__ import annotations

from typing import Any

_OWN = "limbeck."
_DRAWN = "system."


def title_of(definition: dict[str, Any]) -> str:
    """The title of the type in the definition of an input or output. Raises ValueError where it has none."""
    kind = definition["artifactType"]
    if "schemaTitle" in kind:
        return str(kind["schemaTitle"])
    import yaml

    schema = yaml.safe_load(kind.get("instanceSchema", "")) or {}
    if "title" not in schema:
        raise ValueError(f"an artifact's type must have a title, received {kind}")
    return str(schema["title"])


def class_path(title: str) -> str:
    """What TFX is told in the place of a title: the path of our class, and any other title as it is.

    Raises:
      ValueError: for a title of ours that no class bears.
    """
    if not title.startswith((_OWN, _DRAWN)):
        return title
    from limbeck.components.artifacts import types

    for value in vars(types).values():
        if isinstance(value, type) and getattr(value, "TYPE_NAME", None) == title:
            return f"{value.__module__}.{value.__qualname__}"
    if title.startswith(_DRAWN):
        return title
    raise ValueError(f"no class in {types.__name__} has the type name {title}")


def known_class(kind: dict[str, Any]) -> str:
    """The path of the class that TFX makes an artifact of this type with."""
    from tfx.orchestration.kubeflow.v2 import compiler_utils

    title = title_of({"artifactType": kind})
    return str(compiler_utils.TITLE_TO_CLASS_PATH.get(title, title))
