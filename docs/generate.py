"""Writes the generated parts of the documentation: `make docs`, or `python -m docs.generate`.

Which nodes run again is computed over the compiled graph, which takes TFX and half a minute. So `cache.md` keeps the
answer as a table, and what else needs it reads it there: a fast test holds the other pages equal, and a slow one the
table.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from limbeck.cli import cache_table
from limbeck.cli.cache_table import Rows
from limbeck.settings.descriptions import EACH, describe
from tests import strategy_table
from tests.trainer.conformance import registry

DOCS = Path(__file__).parent

# Nodes that mostly run again together, by what the documentation calls them.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "data": ("ExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator", "AnomalyStop", "Transform"),
    "teachers": ("TeacherTrainer", "TeacherLabeler"),
    "students": ("DistillerHardLabels", "Distiller", "DistillerPseudoLabels"),
    "verdict": ("Evaluator", "Predictor", "Gate", "Reporter", "Visualizer", "Pusher"),
}
# Of a setting that no change could be thought of for, because it has but one value.
_UNKNOWN = "—"


def settings(rows: Rows) -> str:
    """All settings as a Markdown table."""
    lines = ["| key | default | kind | runs again | meaning |", "| --- | --- | --- | --- | --- |"]
    for one in describe():
        default = one.default if isinstance(one.default, str) else json.dumps(one.default)
        # Those of each node are one setting to the table.
        key = one.key.partition(f".{EACH}.")[0]
        again = ", ".join(grouped(rows[key])) if key in rows else _UNKNOWN
        # A bar would end the cell.
        meaning = one.meaning.replace("|", "\\|")
        lines.append(f"| `{one.key}` | `{default}` | {one.kind} | {again} | {meaning} |")
    return "\n".join(lines)


def grouped(nodes: tuple[str, ...]) -> Iterator[str]:
    """Yields the names of whole groups, and the nodes of the groups that are not whole; `nothing` for no node."""
    if not nodes:
        yield cache_table.NOTHING
    for name, group in GROUPS.items():
        found = [node for node in nodes if node in group]
        yield from [name] if len(found) == len(group) else found
    yield from (node for node in nodes if not any(node in group for group in GROUPS.values()))


def groups(_: Rows) -> str:
    """The groups as a Markdown list."""
    return "\n".join(f"- *{name}*: {', '.join(group)}" for name, group in GROUPS.items())


def source(name: str, language: str) -> Callable[[Rows], str]:
    """Returns what writes a file of `docs/examples` as a block of code."""

    def write(_: Rows) -> str:
        text = (DOCS / "examples" / name).read_text(encoding="utf-8")
        return f"```{language}\n{text.rstrip()}\n```"

    return write


# File -> name of a generated part in it -> what writes the part.
PARTS: Mapping[str, Mapping[str, Callable[[Rows], str]]] = {
    "cache.md": {"runs again": cache_table.markdown},
    "configuration.md": {"groups": groups, "settings": settings},
    "your-task.md": {"wine.py": source("wine.py", "python"), "wine.yaml": source("wine.yaml", "yaml")},
    "your-pipeline.md": {name: source(name, "python") for name in ("taxi_student.py", "taxi_pipeline.py")},
    "compression.md": {"compressed_caller.py": source("compressed_caller.py", "python")},
    "conformance.md": {"models": lambda _: registry.table()},
    "distributed.md": {"strategies": lambda _: strategy_table.markdown()},
}


def known_rows() -> Rows:
    """The table that `cache.md` keeps."""
    return cache_table.read((DOCS / "cache.md").read_text(encoding="utf-8"))


def generated(file: str, rows: Rows) -> str:
    """Returns the text of a file of the documentation, its generated parts written anew.

    Args:
      file: one of `PARTS`.
      rows: nodes that run again, by setting.

    Raises:
      ValueError: where the file lacks the marks between which a part stands.
    """
    text = (DOCS / file).read_text(encoding="utf-8")
    for name, write in PARTS[file].items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, found_begin, rest = text.partition(begin)
        _, found_end, after = rest.partition(end)
        if not (found_begin and found_end):
            raise ValueError(f"{file} must hold the lines {begin.strip()} and {end}")
        text = f"{before}{begin}\n{write(rows)}\n\n{end}{after}"
    return text


def main() -> None:
    """Writes every generated part; computes anew which nodes run again."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    rows = cache_table.of_task("digits")
    for file in PARTS:
        (DOCS / file).write_text(generated(file, rows), encoding="utf-8")


if __name__ == "__main__":
    main()
