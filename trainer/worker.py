"""One training process: `python -m trainer.worker job.json`. What every launcher starts.

It is told everything by the job file and TF_CONFIG, and imports neither TFX nor Beam: a fresh interpreter is
ready in a third of the time and memory, and cannot depend on what its parent happened to have imported.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Runs the job in the file named by the only argument; returns the exit code of the process."""
    from trainer import lifeline
    from trainer.config import from_json
    from trainer.errors import UserError
    from trainer.job import TrainingJob

    lifeline.die_with_parent()
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    job = from_json(TrainingJob, Path(arguments[0]).read_text(encoding="utf-8"))
    from trainer.training import run

    try:
        run(job)
    except UserError as error:
        _leave_failure(str(error))
        return 2
    return 0


def _leave_failure(message: str) -> None:
    path = os.environ.get("LIMBECK_FAILURE")
    if path:
        Path(path).write_text(json.dumps({"kind": "user", "message": message}), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
