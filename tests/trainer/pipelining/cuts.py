"""Has two jobs cut their models alike. A clock decides where a model is cut, and another cut rounds otherwise."""

import shutil
from pathlib import Path


def share(done: Path, other: Path, stages: int = 2) -> None:
    """Copies the cut that a job has kept beside its checkpoints to the checkpoints of a job that has not begun."""
    other.mkdir(parents=True, exist_ok=True)
    shutil.copy(done / f"cut-into-{stages}.json", other)
