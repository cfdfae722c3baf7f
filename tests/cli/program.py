"""The program as a user starts it."""

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PIPELINE = PROJECT / "pipeline.py"


def run(*arguments: str | Path, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Runs `python <options> pipeline.py <arguments>` to its end."""
    command = [sys.executable, *options, str(PIPELINE), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment())


def environment() -> dict[str, str]:
    """Of a terminal that knows nothing of this project."""
    ours = ("LIMBECK_EVENTS", "LIMBECK_PARENT", "PYTHONPATH", "TF_CPP_MIN_LOG_LEVEL", "TF_USE_LEGACY_KERAS")
    return {name: value for name, value in os.environ.items() if name not in ours}
