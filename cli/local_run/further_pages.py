"""Writes the pages beside the report, from the artifacts of the last run."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from limbeck import files
from limbeck.cli.local_run import evaluation_files, statistics_files
from limbeck.cli.local_run.collect import run_id
from limbeck.cli.local_run.run_folder import RunFolder
from limbeck.cli.local_run.store import Output, executions_of
from limbeck.examples import SPLITS
from limbeck.report.html import Link, replace
from limbeck.report.pages import slices, statistics

_SUMMARIES = "*/model_run/*/tensorboard/*/events.out.tfevents.*"


def write(folder: RunFolder, task: str, *, keep: bool = False) -> tuple[Link, ...]:
    """Writes the pages for which the last run has results, and returns links to the pages that are there then.

    Args:
      folder: the folder of the run.
      task: name of the task.
      keep: whether other pages stay, because the last run was refused and wrote no report: the pages then belong to the
        older report. Otherwise pages of earlier runs are removed.
    """
    executions = executions_of(folder.metadata, run_id(folder.events))
    outputs = {one.node: one.outputs for one in executions if one.succeeded}
    pages = {
        (statistics.FILE, statistics.TITLE): _statistics(outputs.get("StatisticsGen", {}), task),
        (slices.FILE, slices.TITLE): _slices(outputs.get("Evaluator", {}), task),
    }
    links = []
    for (file, title), text in pages.items():
        path = folder.report_html.with_name(file)
        if text is not None:
            replace(path, text)
        elif not keep:
            with contextlib.suppress(FileNotFoundError, IsADirectoryError):
                path.unlink()
        if path.is_file():
            links.append(Link(file, title))
    return tuple(links)


def tensorboard(folder: RunFolder) -> str | None:
    """Returns the command that shows the training curves in TensorBoard; None if there are none."""
    written = next(folder.artifacts.glob(_SUMMARIES), None)
    return None if written is None else f"tensorboard --logdir {folder.artifacts}"


def _statistics(outputs: Mapping[str, Output], task: str) -> str | None:
    found = statistics_files.read(Path(files.local_copy(outputs["statistics"].uri)), SPLITS) if outputs else ()
    return statistics.render(task, found) if found else None


def _slices(outputs: Mapping[str, Output], task: str) -> str | None:
    found = evaluation_files.read(Path(files.local_copy(outputs["evaluation"].uri))) if outputs else ()
    return slices.render(task, found) if found else None
