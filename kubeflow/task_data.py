"""Writes the data that a task brings along: `python -m limbeck.kubeflow.task_data --node ID ...`.

See `limbeck.kubeflow.rewrites.task_data` for why that is a task of its own.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from limbeck import files
from limbeck.errors import TaskError
from limbeck.kubeflow import process
from limbeck.kubeflow.places import place
from limbeck.kubeflow.rewrites.task_data import OUTPUT
from limbeck.records import from_json
from limbeck.reference import TaskRef, located


def run(arguments: Sequence[str]) -> None:
    """Writes the data into the output `data`. Raises TaskError where the task cannot be loaded, or brings none."""
    given = process.parser("limbeck.kubeflow.task_data").parse_args(arguments)
    content = json.loads(given.invocation)
    [data] = content["outputs"]["artifacts"][OUTPUT]["artifacts"]
    task = located(from_json(TaskRef, content["inputs"]["parameterValues"]["task"]), os.environ).load()
    if task.write_data is None:
        raise TaskError(f"task '{task.name}' brings no data of its own: compile it with --set data.path=FOLDER")
    # A task writes to a folder of this machine, and the output may be in a store that is none.
    with tempfile.TemporaryDirectory(prefix="limbeck-data-") as folder:
        task.write_data(Path(folder))
        files.copy_folder(folder, place(data["uri"], given.target))


if __name__ == "__main__":
    process.end_with(run)
