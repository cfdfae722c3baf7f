"""Types of the fields of settings, and which of them a run may change.

Three kinds of field are kept apart, because they cost differently when they change:

- *Structural* fields (the graph, the strategy) are fixed when a pipeline is compiled. All those of a section together
  are one execution property.
- *Runtime* fields, marked by `runtime()`, become an execution property each, so that the Kubeflow form can edit them;
  the component that uses one validates it again by building its section.
- *Operational* fields, marked by `operational()`, say how a result is reached, and cannot change it: restarts, the
  cadence of checkpoints, Beam's workers. They are no execution properties, or a patient retry would train everything
  again; `limbeck.settings.operational` carries them.

A section is operational as a whole, or not at all.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field

Scalar = bool | int | float | str
Positive = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
NotNegative = Annotated[int, Field(ge=0)]
# Keras, NumPy and Python are all started from a seed, and NumPy takes no more.
SEEDS = 2**32
Seed = Annotated[int, Field(ge=0, lt=SEEDS)]
Fraction = Annotated[float, Field(ge=0, le=1)]


def runtime(default: Any) -> Any:
    """A field that a run may change without compiling the pipeline again."""
    return dataclasses.field(default=default, metadata={"runtime": True})


def operational(default: Any = dataclasses.MISSING, *, factory: Callable[[], Any] | None = None) -> Any:
    """A field that cannot change a result; of a value, or of what `factory` makes for each section."""
    if factory is not None:
        return dataclasses.field(default_factory=factory, metadata={"operational": True})
    return dataclasses.field(default=default, metadata={"operational": True})


def runtime_fields(cls: type[Any]) -> tuple[str, ...]:
    """Names of the runtime fields of one section, in order."""
    return _marked(cls, "runtime")


def operational_fields(cls: type[Any]) -> tuple[str, ...]:
    """Names of the operational fields of one section, in order."""
    return _marked(cls, "operational")


def structural_fields(cls: type[Any]) -> tuple[str, ...]:
    """Names of the other fields of one section, in order."""
    marked = {*runtime_fields(cls), *operational_fields(cls)}
    return tuple(f.name for f in dataclasses.fields(cls) if f.name not in marked)


def _marked(cls: type[Any], kind: str) -> tuple[str, ...]:
    return tuple(f.name for f in dataclasses.fields(cls) if f.metadata.get(kind))
