"""Hides the messages that TensorFlow and Google's packages print when they are imported."""

from __future__ import annotations

import os
import warnings


def quieten() -> None:
    """Hides the messages. Call it before the packages are imported."""
    # Hides even errors, because TensorFlow prints one for each CUDA library that it registers twice.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Warnings of Google's packages about the old version of Python that TFX needs.
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"google\.")
