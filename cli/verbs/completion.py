"""Declares `completion`."""

from __future__ import annotations

import argparse

from limbeck.cli.verbs.verb import Verb


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the shell."""
    parser.add_argument("shell", choices=("bash", "zsh"), metavar="SHELL", help="bash or zsh")


VERB = Verb("completion", "print a script that lets a shell complete verbs, options, tasks and settings", declare)
