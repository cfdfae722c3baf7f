"""Arguments that several verbs take.

A metavar says what an argument takes: `limbeck.cli.completion` completes files for FILE, and settings for KEY=VALUE.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def folder(text: str) -> Path:
    """Returns the path of a folder. Raises ArgumentTypeError for an empty text."""
    return Path(given(text))


def given(text: str) -> str:
    """Refuses an empty text, which comes from a shell variable that is not set."""
    if not text.strip():
        raise argparse.ArgumentTypeError("must not be empty")
    return text


def add_task(parser: argparse.ArgumentParser) -> None:
    """Declares `--task`."""
    parser.add_argument(
        "--task",
        required=True,
        metavar="TASK",
        help="a built-in task, a path to a task's .py file or folder, or module:attribute",
    )


def add_configuration(parser: argparse.ArgumentParser) -> None:
    """Declares `--config` and `--set`."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="YAML file that overrides the task's settings")
    add_assignments(parser, "override one setting, such as training.epochs=5; may be given several times")


def add_assignments(parser: argparse.ArgumentParser, told: str) -> None:
    """Declares `--set`, with what its help says."""
    parser.add_argument("--set", action="append", default=[], dest="assignments", metavar="KEY=VALUE", help=told)


def add_finished_root(parser: argparse.ArgumentParser) -> None:
    """Declares the `--root` of a run that has been started before."""
    parser.add_argument("--root", type=folder, required=True, metavar="DIR", help="the --root of the run")
