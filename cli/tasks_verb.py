"""`tasks`: lists the built-in tasks, from their docstrings, without importing them."""

from __future__ import annotations

import argparse
import ast

from limbeck import reference
from limbeck.cli import exit_codes


def execute(_: argparse.Namespace) -> int:
    """Prints a line for each task."""
    for name in reference.built_in():
        print(f"{name:12} {summary(name)}")
    return exit_codes.DONE


def summary(name: str) -> str:
    """Returns the first line of a built-in task's docstring."""
    source = (reference.TASKS / name / "__init__.py").read_text(encoding="utf-8")
    documentation = ast.get_docstring(ast.parse(source)) or ""
    return documentation.partition("\n")[0]
