"""Imports large packages without the garbage collector.

TensorFlow and TFX leave millions of objects that live as long as the process. While they are imported, the collector
looks through all of them again and again and frees none, which takes a sixth of the time. Later, it would look through
them in each full collection, and in a fork this copies the memory that it looks at.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def for_good() -> Iterator[None]:
    """Returns a context for imports. The collector never looks at what was made in it or before it."""
    collected = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collected:
            gc.enable()
