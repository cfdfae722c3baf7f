"""TFX's executor of Transform, for analyzers that need the result of another analyzer, and for a trial.

TFX tells TensorFlow Transform to read the data again for each pass over them, which copies a part of Beam's graph. The
copy leaves out two arguments that Beam requires: "AppliedPTransform.__init__() missing 2 required positional
arguments". With one pass, the graph is never copied. A `preprocessing_fn` that clips a number at a quantile and then
scales it needs two passes, and fails. So here the data are kept between passes instead, which is TensorFlow Transform's
own default. The results are the same. This part can be deleted when TensorFlow Transform is fixed.

A trial (`limbeck.settings.trial`) judges no model, so it leaves out the transformed test split. Even for a few rows,
Beam's stages for this split take 3.4 s of processor time on the taxi task.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from typing import Any

from tensorflow_transform.beam.context import Context
from tfx.components.transform import executor
from tfx.types import standard_component_specs

from limbeck.components.artifacts.files import Artifacts
from limbeck.examples import TRAIN, VALIDATION
from limbeck.settings import trial

_OF_A_TRIAL = json.dumps({"analyze": [TRAIN], "transform": [TRAIN, VALIDATION]})
_OPTION = "get_use_deep_copy_optimization"


class Executor(executor.Executor):
    """TFX's executor, with any number of passes over the data."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:  # noqa: N802
        """Called by TFX."""
        if trial.read(os.environ) is not None:
            exec_properties = {**exec_properties, standard_component_specs.SPLITS_CONFIG_KEY: _OF_A_TRIAL}
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
