"""Runs the graph of a finished run once more under TFX's own LocalDagRunner: `python -m ... ROOT`."""

from __future__ import annotations

import sys
from pathlib import Path

import pipeline
from cli.run_folder import RunFolder
from cli.runner import place_of


def main(root: Path) -> None:
    """Takes task, settings and places from the run folder."""
    from tfx.orchestration import metadata
    from tfx.orchestration.local.local_dag_runner import LocalDagRunner

    folder = RunFolder(root)
    request = folder.request()
    place = place_of(folder, request)
    store = metadata.sqlite_metadata_connection_config(str(folder.metadata))
    LocalDagRunner().run(pipeline.create_pipeline(request.config, request.task, place, store))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
