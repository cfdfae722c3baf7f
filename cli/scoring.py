"""The process that scores files: `python -m limbeck.cli.scoring FOLDER`. It reads a `ScoringJob` from the folder."""

from __future__ import annotations

import os
import sys

from limbeck import events, reference
from limbeck.cli.local_run import runner
from limbeck.cli.local_run.run_folder import RunFolder
from limbeck.components.bulk_scoring.job import ScoringJob
from limbeck.records import from_json
from limbeck.settings.config import Config

# The name of the job's file in the folder.
JOB = "scoring.json"


def work(folder: RunFolder) -> None:
    """Scores the files, and reports the number of rows. Raises UserError as `limbeck.components.bulk_scoring` does."""
    request = folder.request()
    job = from_json(ScoringJob, (folder.root / JOB).read_text(encoding="utf-8"))
    os.environ.update(reference.environment(request.task))
    score = _on_cluster if request.config.scoring.on_cluster else _with_beam
    events.emit("scored", rows=score(folder, request.config, job))


def _with_beam(folder: RunFolder, config: Config, job: ScoringJob) -> int:
    events.emit("phase", what="loading TensorFlow and Beam")
    from limbeck.beam_processes import running
    from limbeck.components.bulk_scoring import scoring

    with running.engine(config.beam, job.task, folder.log, job.staged) as processes:
        events.emit("phase", what="scoring")
        return scoring.score(job, config.beam.flags(processes))


def _on_cluster(_: RunFolder, config: Config, job: ScoringJob) -> int:
    events.emit("phase", what="loading TensorFlow")
    from limbeck.components.bulk_scoring import over_files

    events.emit("phase", what=f"scoring on the cluster at {config.scoring.address}")
    return over_files.score(job, config.scoring)


if __name__ == "__main__":
    sys.exit(runner.main(sys.argv[1:], work))
