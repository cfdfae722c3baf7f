"""Declares `check`."""

from __future__ import annotations

import argparse

from limbeck.cli.verbs.arguments import add_configuration, add_task
from limbeck.cli.verbs.verb import Verb


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the task and the settings."""
    add_task(parser)
    add_configuration(parser)


VERB = Verb("check", "try a task on a sample of its data, in less than a minute", declare)
