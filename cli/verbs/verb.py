"""A verb of the command line: its name, its line in `--help`, and its arguments."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
from collections.abc import Callable


def no_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares nothing."""


@dataclasses.dataclass(frozen=True)
class Verb:
    """One verb.

    Attributes:
      name: what the user types. The module `limbeck.cli.commands.<name>` has its `execute`.
      summary: its line in `--help`.
      declare: adds its arguments to a parser.
    """

    name: str
    summary: str
    declare: Callable[[argparse.ArgumentParser], None] = no_arguments

    def execute(self, parsed: argparse.Namespace) -> int:
        """Imports and runs the code of the verb. Returns the exit code. Raises UserError for a user's mistake."""
        return int(importlib.import_module(f"limbeck.cli.commands.{self.name}").execute(parsed))
