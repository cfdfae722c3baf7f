"""Declares `rollback`."""

from __future__ import annotations

import argparse

from limbeck.cli.verbs.arguments import add_finished_root
from limbeck.cli.verbs.verb import Verb


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the root of the run, and the version to go back to."""
    add_finished_root(parser)
    parser.add_argument("--to", type=int, metavar="N", help="the version to serve; default: the last but one")


VERB = Verb("rollback", "take the newest student back, so that the one before it is served", declare)
