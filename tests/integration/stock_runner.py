"""Runs the graph of a finished run once more under TFX's own LocalDagRunner: `python -m ... ROOT`."""

from __future__ import annotations

import sys
from pathlib import Path

import pipeline
from cli import raw_data
from cli.run_folder import RunFolder
from trainer.source_digest import task_digests


def main(root: Path) -> None:
    """Takes task, settings and places from the run folder."""
    from tfx.orchestration import metadata
    from tfx.orchestration.local.local_dag_runner import LocalDagRunner

    folder = RunFolder(root)
    request = folder.request()
    task = request.task.load()
    digest = task_digests(task, request.task).data
    place = pipeline.Place(
        root=str(folder.artifacts),
        serving=str(folder.serving),
        data=raw_data.resolve(request.config.data.path, task, digest, folder.data),
        accepted=str(folder.accepted),
    )
    store = metadata.sqlite_metadata_connection_config(str(folder.metadata))
    LocalDagRunner().run(pipeline.create_pipeline(request.config, request.task, place, store))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
