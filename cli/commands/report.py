"""`report`: shows the result of the last run in a folder, and rebuilds its page."""

from __future__ import annotations

import argparse

from limbeck.cli import exit_codes
from limbeck.cli.local_run import further_pages
from limbeck.cli.local_run.run_folder import RunFolder
from limbeck.errors import ConfigError
from limbeck.records import from_json
from limbeck.report import html, terminal
from limbeck.report.schema import Report


def execute(arguments: argparse.Namespace) -> int:
    """Prints the short form of the report. Raises ConfigError if the folder has no report."""
    folder = RunFolder(arguments.root.resolve())
    try:
        content = folder.report_json.read_bytes()
    except OSError:
        raise ConfigError(
            f"{arguments.root} has no report.json: give the --root of a run, or run the pipeline first"
        ) from None
    try:
        report = from_json(Report, content.decode())
    except (ConfigError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{folder.report_json} is not a report that this version reads; run the pipeline again ({error})"
        ) from None
    links = further_pages.write(folder, report.task, keep=True)
    html.write(report, folder.report_json, folder.report_html, links)
    terminal.show(report, folder.report_html, folder.log, further_pages.tensorboard(folder))
    return exit_codes.DONE
