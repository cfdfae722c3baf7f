"""A driver that is killed: submits a job that never ends, and would cancel it if it died."""

from __future__ import annotations

import sys
from pathlib import Path

from limbeck.beam_processes import canceller
from limbeck.settings.beam import BeamConfig
from tests.limbeck.beam_processes import steps

if __name__ == "__main__":
    endpoint, name, folder, *flags = sys.argv[1:]
    with canceller.watching(BeamConfig(engine="portable", endpoint=endpoint), endpoint, name):
        steps.run(steps.wait, flags, Path(folder, "out"), folder)
