"""Types of settings' fields, and the three kinds of field. The kinds differ in what a change of the field costs.

- *Structural* fields (the graph, the strategy) are fixed when a pipeline is compiled. All structural fields of a
  section form one execution property.
- *Runtime* fields, marked by `runtime()`, have an execution property each, so that the Kubeflow form can edit them.
  A component that uses one builds its section, which validates the value again.
- *Operational* fields, marked by `operational()`, say how a result is reached, and cannot change it: restarts, how
  often a checkpoint is written, Beam's workers. They are not execution properties: otherwise a further restart would
  train everything again. `limbeck.settings.operational` carries them.

In one section, all fields are operational or none is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

Scalar = bool | int | float | str
# TFX keeps a whole number in 64 bits, and so does TensorFlow.
_LARGEST = 2**63 - 1
Positive = Annotated[int, Field(gt=0, le=_LARGEST)]
PositiveFloat = Annotated[float, Field(gt=0)]
NotNegative = Annotated[int, Field(ge=0, le=_LARGEST)]
# Keras, NumPy and Python are all started from a seed, and NumPy takes no more.
SEEDS = 2**32
Seed = Annotated[int, Field(ge=0, lt=SEEDS)]
Fraction = Annotated[float, Field(ge=0, le=1)]


def _each_once(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(values)) < len(values):
        raise PydanticCustomError("twice", "Input should name each value once")
    return values


# For a list of values that are tried in turn: whoever names one twice pays for it twice.
DISTINCT = AfterValidator(_each_once)


def runtime(default: Any) -> Any:
    """Returns a field that a run may change without compiling the pipeline again."""
    return dataclasses.field(default=default, metadata={"runtime": True})


def operational(default: Any = dataclasses.MISSING, *, factory: Callable[[], Any] | None = None) -> Any:
    """Returns a field that cannot change a result. Its default is a value, or what `factory` makes for each section."""
    if factory is not None:
        return dataclasses.field(default_factory=factory, metadata={"operational": True})
    return dataclasses.field(default=default, metadata={"operational": True})


def runtime_fields(cls: type[Any]) -> tuple[str, ...]:
    """Returns the names of a section's runtime fields, in order."""
    return _marked(cls, "runtime")


def operational_fields(cls: type[Any]) -> tuple[str, ...]:
    """Returns the names of a section's operational fields, in order."""
    return _marked(cls, "operational")


def structural_fields(cls: type[Any]) -> tuple[str, ...]:
    """Returns the names of a section's structural fields, in order."""
    marked = {*runtime_fields(cls), *operational_fields(cls)}
    return tuple(f.name for f in dataclasses.fields(cls) if f.name not in marked)


def _marked(cls: type[Any], kind: str) -> tuple[str, ...]:
    return tuple(f.name for f in dataclasses.fields(cls) if f.metadata.get(kind))
