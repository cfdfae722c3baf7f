"""The messages in docs/troubleshooting.md are those of the product."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEADINGS = re.findall(
    r"^### `(.+)`$", (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8"), re.MULTILINE
)
PACKAGES = ("limbeck", "trainer", "launchers", "report", "components", "kubeflow", "cli")
# What the code fills in; `limbeck.launchers.failure` names the signal.
FILLED = {"SIGKILL"}


@functools.cache
def texts() -> tuple[str, ...]:
    """Every text in the code; the parts of an f-string between its braces are one each."""
    trees = (
        ast.parse(path.read_text(encoding="utf-8")) for name in PACKAGES for path in (ROOT / name).rglob("*.py")
    )
    constants = (node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return tuple(value for value in constants if isinstance(value, str))


def is_said(message: str) -> bool:
    """Whether the code holds each part of a message between what it fills in."""
    parts = [part for part in re.split("|".join(("…", *FILLED)), message) if part.strip(" '")]
    return bool(parts) and all(any(part in text for text in texts()) for part in parts)


def test_there_are_at_least_ten():
    assert len(HEADINGS) >= 10
    assert len(set(HEADINGS)) == len(HEADINGS)


@pytest.mark.parametrize("message", HEADINGS)
def test_the_product_says_it(message: str):
    assert is_said(message)


def test_what_the_product_does_not_say_is_found():
    assert not is_said("there is no mask '…'")
    assert not is_said("…")
