"""Starts a job server in Java for a run, and ends it with the run.

Beam's own code for this replaces the handler of Ctrl-C, starts a job server for each job, and downloads a jar. It does
not notice if a job server has died, either: the pipeline waits for its port for a minute.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from limbeck.beam_processes import ready
from limbeck.engines.kind import Ports
from limbeck.engines.registry import engine_kind
from limbeck.launchers.local.ports import held
from limbeck.settings.beam import BeamConfig


@contextlib.contextmanager
def running(settings: BeamConfig, environment: Mapping[str, str], artifacts: Path) -> Iterator[str]:
    """Starts a job server, and yields its address when it answers. Ends it at the end.

    Args:
      settings: the settings of Beam, with a jar.
      environment: variables of Java.
      artifacts: a folder that all machines of the cluster share.

    Raises:
      NotStartedError: if it ends before it answers, or does not answer within two minutes.
    """
    with held(2) as numbers:
        ports = Ports(*numbers)
        command = engine_kind(settings.engine).job_server(settings, ports, artifacts)
        if command is None:
            raise ValueError(f"engine '{settings.engine}' has no job server in Java")
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)
        try:
            address = f"127.0.0.1:{ports.job}"
            ready.await_answer(process, address, "the job server of beam.job_server_jar")
            yield address
        finally:
            ready.end(process)
