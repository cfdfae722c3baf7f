"""Gives a new Python interpreter the environment that it needs.

If it only inherited the environment, it would not find our packages from another working directory, it would take Keras
3, and its last lines of output would be lost in a buffer when it is killed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """Returns the variables of a new interpreter: the inherited ones, and ours. Our root comes first on PYTHONPATH."""
    root = str(Path(__file__).parents[3])
    return {
        **inherited,
        "PYTHONPATH": os.pathsep.join(filter(None, [root, inherited.get("PYTHONPATH")])),
        "PYTHONUNBUFFERED": "1",
        "TF_USE_LEGACY_KERAS": "1",
    }
