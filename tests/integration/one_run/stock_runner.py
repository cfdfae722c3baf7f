"""Runs the graph of a finished run once more under TFX's own LocalDagRunner: `python -m ... ROOT`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from limbeck.cli.local_run.run_folder import RunFolder
from limbeck.cli.local_run.runner import environment, graph_of


def main(root: Path) -> None:
    """Takes task, settings and places from the run folder."""
    from tfx.orchestration.local.local_dag_runner import LocalDagRunner

    folder = RunFolder(root)
    request = folder.request()
    os.environ.update(environment(folder, request))
    LocalDagRunner().run(graph_of(folder, request))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
