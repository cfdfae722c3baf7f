"""Declares `drift`."""

from __future__ import annotations

import argparse
from pathlib import Path

from limbeck.cli.verbs.arguments import add_finished_root
from limbeck.cli.verbs.verb import Verb


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the folder of recorded requests, the root of the run, and the limit."""
    parser.add_argument("recorded", type=Path, metavar="FOLDER", help="what `serve --record FOLDER` has kept")
    add_finished_root(parser)
    parser.add_argument(
        "--threshold",
        type=float,
        metavar="LIMIT",
        help="largest distance of a feature, from 0 to 1; default: drift.threshold of the run",
    )


VERB = Verb("drift", "compare what clients ask with the data that the last run accepted", declare)
