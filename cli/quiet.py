"""Hides the messages that TensorFlow and Google's packages print when they are imported."""

from __future__ import annotations

import os
import warnings


def quieten() -> None:
    """Silences them. Call it before they are imported."""
    # Even errors: TensorFlow tells one for each library of CUDA that it registers twice.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Of Google's packages, on the age of the interpreter that TFX asks for.
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"google\.")
