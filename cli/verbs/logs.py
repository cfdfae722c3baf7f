"""Declares `logs`."""

from __future__ import annotations

import argparse

from limbeck.cli.verbs.arguments import add_finished_root
from limbeck.cli.verbs.verb import Verb


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the node and the root of the run."""
    parser.add_argument(
        "node", nargs="?", metavar="NODE", help="print what this node wrote; default: list nodes and files"
    )
    add_finished_root(parser)


VERB = Verb("logs", "show what a node of the last run wrote, and which files the run has", declare)
