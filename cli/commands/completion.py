"""`completion`: prints a script that lets a shell complete verbs, options, tasks, settings and nodes."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping

from limbeck import reference
from limbeck.cli import exit_codes
from limbeck.cli.completion import bash, zsh
from limbeck.cli.completion.shape import verb_shapes
from limbeck.cli.verbs.registry import VERBS
from limbeck.settings.descriptions import EACH, describe

_SHELLS = {"bash": bash.script, "zsh": zsh.script}


def execute(arguments: argparse.Namespace) -> int:
    """Prints the script for the shell."""
    from limbeck.cli.main import Parser

    summaries = {verb.name: verb.summary for verb in VERBS}
    print(_SHELLS[arguments.shell](verb_shapes(Parser().verbs, summaries, words())), end="")
    return exit_codes.DONE


def words() -> Mapping[str, Iterable[str]]:
    """Returns the possible texts of arguments, by metavar."""
    keys = [one.key.replace(f".{EACH}.", ".default.") for one in describe()]
    return {"TASK": reference.built_in(), "KEY=VALUE": [f"{key}=" for key in keys]}
