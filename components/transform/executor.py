"""TFX's executor of Transform, for analyzers that need the result of another analyzer.

TFX tells TensorFlow Transform to read the data again for each pass over them, and so to copy a part of Beam's graph.
The copy leaves out two arguments that Beam requires: "AppliedPTransform.__init__() missing 2 required positional
arguments". A `preprocessing_fn` with one pass is never copied. One that cuts a number at a quantile, and then scales
it, fails. Here the data are kept between passes instead, which is TensorFlow Transform's own default. The results are
the same. A mended TensorFlow Transform lets us delete this module.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from tensorflow_transform.beam.context import Context
from tfx.components.transform import executor

from limbeck.components.artifacts.files import Artifacts

_OPTION = "get_use_deep_copy_optimization"


class Executor(executor.Executor):
    """TFX's executor, with any number of passes over the data."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:  # noqa: N802
        """Called by TFX."""
        with without_copies():
            super().Do(input_dict, output_dict, exec_properties)


@contextlib.contextmanager
def without_copies() -> Iterator[None]:
    """Returns a context in which TensorFlow Transform keeps data between passes, whatever its `Context` says."""
    own = vars(Context)[_OPTION]
    setattr(Context, _OPTION, classmethod(lambda _: False))
    try:
        yield
    finally:
        setattr(Context, _OPTION, own)
