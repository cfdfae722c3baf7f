"""Lets Beam inspect the signature of each method only once.

For each step of a pipeline, Beam asks several times whether its DoFn keeps a state. To answer, it inspects the
signature of every method of the DoFn; most of these methods belong to the base class. In Transform, with hundreds of
steps, this took a sixth of the time. A signature depends only on the function, so it is cached here.
"""

from __future__ import annotations

import contextlib
import types
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def remembered() -> Iterator[None]:
    """Returns a context in which Beam caches the arguments of methods, but not those of other functions."""
    from apache_beam.transforms import core

    stock, known = core.get_function_args_defaults, {}

    def once(method: Any) -> tuple[list[str], list[Any]]:
        # The key is the function and not the method: a method holds its DoFn, which may hold a model.
        function = method.__func__ if isinstance(method, types.MethodType) else None
        if not isinstance(function, types.FunctionType):
            found: tuple[list[str], list[Any]] = stock(method)
            return found
        if function not in known:
            known[function] = stock(method)
        names, defaults = known[function]
        return [*names], [*defaults]

    core.get_function_args_defaults = once
    try:
        yield
    finally:
        core.get_function_args_defaults = stock
