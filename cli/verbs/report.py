"""Declares `report`."""

from __future__ import annotations

import argparse

from limbeck.cli.verbs.arguments import folder
from limbeck.cli.verbs.verb import Verb


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the root of the run."""
    parser.add_argument("root", type=folder, metavar="DIR", help="the --root of the run")


VERB = Verb("report", "show a finished run", declare)
