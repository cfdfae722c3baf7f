"""What can be completed: verbs, options and kinds of values, read from an argparse parser.

A script that is written by hand is wrong after the next option. So the parser is read, and a metavar says what an
argument takes: a path for FILE and DIR, a node for NODE, and one of known texts for TASK and KEY=VALUE.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterable, Mapping

# A user's own task is a file or a folder.
_PATHS = {"FILE": "file", "DIR": "folder", "NODE": "node", "TASK": "file"}


@dataclasses.dataclass(frozen=True)
class Value:
    """The kind of value that an argument takes.

    Attributes:
      paths: `file`, `folder`, or `node` (a folder of a run); empty if it takes none of them.
      words: the texts that it may be; empty if only the user knows them.
    """

    paths: str = ""
    words: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Option:
    """An option of a verb.

    Attributes:
      names: how it is typed, such as `-h` and `--help`.
      help: its meaning.
      value: what it takes; None for a flag.
      repeated: whether it may be given several times.
    """

    names: tuple[str, ...]
    help: str
    value: Value | None
    repeated: bool = False


@dataclasses.dataclass(frozen=True)
class VerbShape:
    """A verb: its name, its line in `--help`, its options, and its positional arguments in order."""

    name: str
    summary: str
    options: tuple[Option, ...]
    positionals: tuple[Value, ...]


def verb_shapes(
    verbs: Mapping[str, argparse.ArgumentParser], summaries: Mapping[str, str], words: Mapping[str, Iterable[str]]
) -> tuple[VerbShape, ...]:
    """Reads the parsers of all verbs.

    Args:
      verbs: the parser of each verb.
      summaries: the line of each verb.
      words: the texts that arguments of a metavar may be.
    """
    return tuple(_verb(name, parser, summaries[name], words) for name, parser in verbs.items())


def _verb(
    name: str, parser: argparse.ArgumentParser, summary: str, words: Mapping[str, Iterable[str]]
) -> VerbShape:
    options = tuple(
        Option(
            tuple(action.option_strings),
            action.help or "",
            None if action.nargs == 0 else _value(action, words),
            isinstance(action, argparse._AppendAction),
        )
        for action in parser._actions
        if action.option_strings
    )
    positionals = tuple(_value(action, words) for action in parser._actions if not action.option_strings)
    return VerbShape(name, summary, options, positionals)


def _value(action: argparse.Action, words: Mapping[str, Iterable[str]]) -> Value:
    if action.choices is not None:
        return Value(words=tuple(map(str, action.choices)))
    metavar = str(action.metavar)
    return Value(_PATHS.get(metavar, ""), tuple(words.get(metavar, ())))
