"""Keeps notes for the user on how the input was divided, in a file beside the examples.

ExampleGen may come from the cache, and then the notes are shown again.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic.dataclasses import dataclass

from limbeck import files
from limbeck.records import STRICT, from_json, to_json

FILE = "input-notes.json"


@dataclass(frozen=True, config=STRICT)
class InputNotes:
    """Sentences, in the order in which they are told."""

    notes: tuple[str, ...] = ()


def write(notes: Iterable[str], folder: str) -> None:
    """Writes the notes into the folder of the examples."""
    files.write_text(files.join(folder, FILE), to_json(InputNotes(tuple(notes))))


def read(folder: str) -> tuple[str, ...]:
    """Reads the notes beside examples. There are none if the input was not divided."""
    path = files.join(folder, FILE)
    return from_json(InputNotes, files.read_text(path)).notes if files.exists(path) else ()
