"""Writes the generated parts of the documentation: `make docs`, or `python -m docs.generate`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from limbeck.settings import descriptions
from tests.trainer.conformance import registry

DOCS = Path(__file__).parent

# File -> name of a generated part in it -> what writes the part.
PARTS: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "configuration.md": {"settings": descriptions.table},
    "conformance.md": {"models": registry.table},
}


def generated(file: str) -> str:
    """Returns the text of a file of the documentation, its generated parts written anew."""
    text = (DOCS / file).read_text(encoding="utf-8")
    for name, write in PARTS[file].items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}\n{write()}\n\n{end}{after}"
    return text


if __name__ == "__main__":
    for changed in PARTS:
        (DOCS / changed).write_text(generated(changed), encoding="utf-8")
