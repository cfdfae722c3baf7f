"""The nearest known name in a message."""

from __future__ import annotations

import pytest

from limbeck.errors import nearest


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("epoch", ["epochs", "seed"], " Did you mean 'epochs'?"),
        ("CULTIVAR", ["cultivar"], " Did you mean 'cultivar'?"),
        ("cultivar", [" Cultivar ", "x"], " Did you mean ' Cultivar '?"),
        ("gate", ["Gate", "gatE"], " Did you mean 'Gate'?"),
        ("xyz", ["epochs"], ""),
        ("x", [], ""),
    ],
)
def test_it_is_named_if_there_is_one(name: str, known: list[str], hint: str):
    assert nearest(name, known) == hint
