"""The process that scores files: `python -m limbeck.cli.scoring FOLDER`. It reads a `ScoringJob` from the folder."""

from __future__ import annotations

import os
import sys

from limbeck import events, reference
from limbeck.cli import runner
from limbeck.cli.predict_verb import JOB
from limbeck.cli.run_folder import RunFolder
from limbeck.components.bulk_scoring.job import ScoringJob
from limbeck.records import from_json


def work(folder: RunFolder) -> None:
    """Scores, and tells how many rows. Raises UserError as `limbeck.components.bulk_scoring.scoring` does."""
    events.emit("phase", what="loading TensorFlow and Beam")
    from limbeck.beam_processes import running
    from limbeck.components.bulk_scoring import scoring

    request = folder.request()
    job = from_json(ScoringJob, (folder.root / JOB).read_text(encoding="utf-8"))
    os.environ.update(reference.environment(request.task))
    with running.engine(request.config.beam, request.task, folder.log, job.staged) as processes:
        events.emit("phase", what="scoring")
        rows = scoring.score(job, request.config.beam.flags(processes))
    events.emit("scored", rows=rows)


if __name__ == "__main__":
    sys.exit(runner.main(sys.argv[1:], work))
