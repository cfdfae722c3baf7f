"""Types of the fields of settings, and which of them a run may change.

Two kinds of field are kept apart. *Structural* fields (the graph, the strategy) are fixed when a pipeline is compiled.
*Runtime* fields, marked by `runtime()`, become an execution property each, so that the Kubeflow form can edit them; the
component that uses one validates it again by building its section.
"""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

from pydantic import Field

Scalar = bool | int | float | str
Positive = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
NotNegative = Annotated[int, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]


def runtime(default: Any) -> Any:
    """A field that a run may change without compiling the pipeline again."""
    return dataclasses.field(default=default, metadata={"runtime": True})


def runtime_fields(cls: type[Any]) -> tuple[str, ...]:
    """Names of the runtime fields of one slice, in order."""
    return tuple(f.name for f in dataclasses.fields(cls) if f.metadata.get("runtime"))


def structural_fields(cls: type[Any]) -> tuple[str, ...]:
    """Names of the other fields of one slice, in order."""
    return tuple(f.name for f in dataclasses.fields(cls) if not f.metadata.get("runtime"))
