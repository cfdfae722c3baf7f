"""Declares `rerun`."""

from __future__ import annotations

import argparse

from limbeck.cli.verbs.arguments import add_finished_root
from limbeck.cli.verbs.verb import Verb


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the node and the root of the run."""
    parser.add_argument("node", metavar="NODE", help="the first node that runs again, such as Distiller")
    add_finished_root(parser)


VERB = Verb("rerun", "run a node of the last run again, and what follows it, whatever the cache holds", declare)
