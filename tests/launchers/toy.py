"""A launcher whose processes run elsewhere: they see a folder of their own, and none of the launching process."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from limbeck import files
from limbeck.errors import UserError
from limbeck.files import Visibility
from limbeck.launchers import failure, records
from limbeck.launchers.cluster import title
from limbeck.launchers.failure import AttemptFailedError, read_failure
from limbeck.launchers.staging import staged
from limbeck.records import to_json
from limbeck.trainer.process import heartbeat, interpreter


def from_settings(_settings):
    return ToyLauncher()


class ToyLauncher:
    supervises = False

    def stage(self, job):
        self.asked_for = job
        self.site = Path(tempfile.mkdtemp(prefix="site-"))
        return staged(job, Visibility.NETWORK, lambda name: str(self.site / name))

    def launch(self, job, cluster, recovery):
        records.discard(job, cluster)
        [task] = cluster.tasks
        job_uri, failure_uri = f"file://{self.site}/job.json", f"file://{self.site}/failure.json"
        files.write_text(job_uri, to_json(job))
        variables = {failure.ENVIRONMENT: failure_uri, heartbeat.ENVIRONMENT: f"file://{self.site}/beat"}
        with hidden(Path(self.asked_for.examples_uri).parent):
            code = subprocess.run(
                [sys.executable, "-m", "limbeck.trainer.worker", job_uri],
                env=interpreter.environment(os.environ) | variables,
                cwd=self.site,
                check=False,
            ).returncode
        assert heartbeat.read(f"file://{self.site}/beat") is not None
        if code:
            told = read_failure(failure_uri)
            raise UserError(told.message) if told else AttemptFailedError(title(job, task), [])
        return records.read(job, cluster)


@contextlib.contextmanager
def hidden(folder):
    away = folder.with_name("hidden")
    folder.rename(away)
    try:
        yield
    finally:
        away.rename(folder)
