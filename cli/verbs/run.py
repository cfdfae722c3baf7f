"""Declares `run`."""

from __future__ import annotations

import argparse

from limbeck.cli.verbs.arguments import add_configuration, add_task, folder
from limbeck.cli.verbs.verb import Verb


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the task, the root and the settings."""
    add_task(parser)
    parser.add_argument(
        "--root", type=folder, required=True, metavar="DIR", help="folder that keeps all of the run"
    )
    parser.add_argument(
        "--accept-schema",
        action="store_true",
        help="replace the schema and statistics that data are compared with by those of this run's data",
    )
    add_configuration(parser)


VERB = Verb("run", "run the pipeline on this machine", declare)
