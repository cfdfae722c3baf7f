"""`tasks`: lists the built-in tasks, from their docstrings, without importing them; `tasks new` writes one."""

from __future__ import annotations

import argparse
import ast

from limbeck import reference
from limbeck.cli import exit_codes, quiet


def execute(arguments: argparse.Namespace) -> int:
    """Prints a line for each task, or writes a new one. Raises UserError if that is not possible."""
    if arguments.action == "new":
        return _new(arguments)
    for name in reference.built_in():
        print(f"{name:12} {summary(name)}")
    return exit_codes.DONE


def summary(name: str) -> str:
    """Returns the first line of a built-in task's docstring."""
    source = (reference.TASKS / name / "__init__.py").read_text(encoding="utf-8")
    documentation = ast.get_docstring(ast.parse(source)) or ""
    return documentation.partition("\n")[0]


def _new(arguments: argparse.Namespace) -> int:
    quiet.quieten()
    from limbeck.cli.new_task import writing

    format = next(name for name in ("csv", "parquet", "tfrecord") if getattr(arguments, name) is not None)
    file, settings = writing.write(
        arguments.file, getattr(arguments, format), format, arguments.label, arguments.encoding
    )
    print(f"wrote {file} and {settings}: read their comments, and run\n")
    print(f"    python pipeline.py run --task {file} --root runs/{file.stem}")
    return exit_codes.DONE
