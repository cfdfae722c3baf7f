"""Compiled pipelines of digits, kept as text, so that a review shows what a change does to them.

`python -m tests.kubeflow.goldens` writes them anew. What differs without a change of the graph is replaced: digests of
the code, and TFX's version.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent
CONTAINERS = FOLDER / "containers.yaml"
# By file: the arguments of `compile` besides those that all have.
GOLDENS = {
    "digits.kubeflow.yaml": ("--target", "kubeflow"),
    "digits.vertex.json": ("--target", "vertex"),
    "digits.containers.kubeflow.yaml": ("--target", "kubeflow", "--config", str(CONTAINERS)),
}
_COMMON = ("--task", "digits", "--root", "gs://bucket/limbeck", "--image", "registry.example/limbeck:1")
_REPLACED = (
    (r"\b[0-9a-f]{64}\b", "<digest>"),
    (r"\btfx-\d+\.\d+\.\d+\b", "tfx-<version>"),
)


def compiled(name: str, folder: Path) -> str:
    """The text of a golden file, compiled now.

    Args:
      name: one of `GOLDENS`.
      folder: an existing one for the compiled file.
    """
    from limbeck.cli.main import main

    output = folder / name
    assert main(["compile", *_COMMON, *GOLDENS[name], "--output", str(output)]) == 0
    text = output.read_text(encoding="utf-8")
    if name.endswith(".json"):
        text = json.dumps(json.loads(text), indent=1, sort_keys=True) + "\n"
    for pattern, replacement in _REPLACED:
        text = re.sub(pattern, replacement, text)
    return text


def kept() -> Iterator[tuple[str, Path]]:
    """Name and file of each golden file."""
    for name in GOLDENS:
        yield name, FOLDER / name
