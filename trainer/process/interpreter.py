"""What every fresh interpreter of ours needs in its environment, wherever and for whatever it is started.

It must find our packages from any working directory, choose Keras 2 before TensorFlow is imported, and not keep
its last lines in a buffer when it is killed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """The variables of the process that starts one, and ours over them; its PYTHONPATH stays, behind our root."""
    root = str(Path(__file__).parents[2])
    return {
        **inherited,
        "PYTHONPATH": os.pathsep.join(filter(None, [root, inherited.get("PYTHONPATH")])),
        "PYTHONUNBUFFERED": "1",
        "TF_USE_LEGACY_KERAS": "1",
    }
