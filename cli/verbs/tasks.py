"""Declares `tasks` and `tasks new`."""

from __future__ import annotations

import argparse
from pathlib import Path

from limbeck.cli.verbs.verb import Verb


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares `new` with its file, its data and its label."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions (default: list the tasks)")
    new = actions.add_parser("new", help="write a first version of a task from a table")
    new.add_argument("file", type=Path, metavar="FILE", help="file to write, such as my_task.py")
    data = new.add_mutually_exclusive_group(required=True)
    for format, what in (
        ("csv", "CSV files with a header"),
        ("parquet", "Parquet files"),
        ("tfrecord", "tf.Examples"),
    ):
        data.add_argument(f"--{format}", metavar="DATA", help=f"{what}: a file, a folder or a glob")
    new.add_argument(
        "--label", required=True, metavar="COLUMN", help="column to predict; a,b for several columns of 0 and 1"
    )
    new.add_argument("--encoding", default="utf-8", help="encoding of CSV files, such as latin-1 (default: utf-8)")


VERB = Verb("tasks", "list the built-in tasks; `tasks new` makes one from a table", declare)
