"""Every command that a message or a page recommends is one that the command line takes."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from limbeck.cli.main import Parser

ROOT = Path(__file__).parents[2]
PACKAGES = ("limbeck", "trainer", "launchers", "report", "components", "kubeflow", "cli", "server")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMAND = re.compile(r"python pipeline\.py ([a-z][^`\n|&;)…]*)")


def texts(node: ast.AST) -> Iterator[str]:
    """The texts below a node; what an f-string fills in is a 1."""
    if isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "1" for part in node.values)
    elif isinstance(node, ast.Constant):
        yield str(node.value)
    else:
        for child in ast.iter_child_nodes(node):
            yield from texts(child)


def of_messages() -> set[str]:
    """The commands in the texts of the product."""
    files = (path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in files)
    return {found for tree in trees for text in texts(tree) for found in COMMAND.findall(text)}


def of_pages() -> set[str]:
    """The commands in the indented blocks of the pages."""
    found: set[str] = set()
    for page in PAGES:
        text = re.sub(r"\\\n\s*", "", page.read_text(encoding="utf-8"))
        for line in re.findall(r"^ {4}.*", text, flags=re.MULTILINE):
            found.update(one for one in COMMAND.findall(line) if "..." not in one)
    return found


def is_taken(command: str) -> bool:
    """Whether the command line takes it. A verb by itself is a name and no command."""
    words = shlex.split(command, comments=True)
    try:
        parser = Parser()
        return (len(words) == 1 and words[0] in parser.verbs) or bool(parser.parse(words))
    except SystemExit:
        return False


@pytest.mark.parametrize("found", [of_messages, of_pages])
def test_what_is_recommended_is_taken(found: Callable[[], set[str]], capsys: pytest.CaptureFixture[str]):
    commands = found()
    assert len(commands) >= 5
    assert sorted(command for command in commands if not is_taken(command)) == []


def test_what_is_not_taken_is_found(capsys: pytest.CaptureFixture[str]):
    assert not is_taken("report --root 1")
    assert not is_taken("raport")
    assert is_taken("report 1")
