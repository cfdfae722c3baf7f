"""Writes catalogues as django ships them, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo


def write_catalogue(package: Path, language: str, texts: Mapping[str, str]) -> Path:
    """Writes the translations of some messages into one language. Returns the file."""
    path = package / "conf" / "locale" / language / "LC_MESSAGES" / "django.mo"
    path.parent.mkdir(parents=True)
    catalogue = Catalog(language)
    for message, text in texts.items():
        catalogue.add(message, text)
    with path.open("wb") as file:
        write_mo(file, catalogue)
    return path
