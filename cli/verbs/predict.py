"""Declares `predict`."""

from __future__ import annotations

import argparse
from pathlib import Path

from limbeck.cli.verbs.arguments import add_assignments, add_finished_root, given
from limbeck.cli.verbs.verb import Verb


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares data and output, the root of the run, and what is kept of a row."""
    parser.add_argument("data", type=given, metavar="DATA", help="file, folder of files, or glob of raw data")
    parser.add_argument("output", type=Path, metavar="OUT", help="new folder for the answers, as Parquet")
    add_finished_root(parser)
    parser.add_argument(
        "--version", type=int, metavar="N", help="the pushed version that answers; default: the newest"
    )
    parser.add_argument(
        "--keep",
        action="append",
        default=[],
        metavar="COLUMN",
        help="raw column to write beside the answers; may be given several times",
    )
    add_assignments(
        parser, "a setting of beam.*, scoring.*, data.format or data.encoding that differs from the run's"
    )


VERB = Verb("predict", "score files of raw data with a student that a run has pushed", declare)
