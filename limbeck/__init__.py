"""The names that a task imports. The packages below hold what every process shares.

Each name is loaded when it is first used. So a process that only needs `limbeck.errors` waits neither for pydantic
nor for TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limbeck.layers.dropout import Dropout
    from limbeck.randomness import uniform_integers
    from limbeck.task import Feature, Hyperparameters, Label, Picture, Task

__all__ = ["Dropout", "Feature", "Hyperparameters", "Label", "Picture", "Task", "uniform_integers"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'limbeck' has no attribute {name!r}")
    module = {"Dropout": "layers.dropout", "uniform_integers": "randomness"}.get(name, "task")
    return getattr(importlib.import_module(f"limbeck.{module}"), name)
