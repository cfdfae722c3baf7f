"""Reads the translations that the installed django package ships: gettext catalogues, one for each part.

Nothing of them is kept in this project. django is not imported: its catalogues are files, and babel reads them.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import re
import struct
from collections.abc import Iterator
from pathlib import Path

from limbeck.errors import DataError

_PACKAGE = "django"
# Two capitals, as in pt_BR: a territory. A script has four letters, as in zh_Hans.
_TERRITORY = re.compile(r"_[A-Z]{2}$")
_REMEDY = (
    "Run `make install-languages`, or install 'limbeck[languages]', or bring texts of your own with "
    "--set data.path=FOLDER"
)


@dataclasses.dataclass(frozen=True)
class Translation:
    """What one catalogue says for one message.

    Attributes:
      language: an IETF tag of language and, where django has two of them, script: `de`, `zh_Hans`.
      originals: the English message: the singular, and the plural if there is one.
      texts: the translations, one for each plural form of the language.
    """

    language: str
    originals: tuple[str, ...]
    texts: tuple[str, ...]


def translations(package: Path | None = None) -> Iterator[Translation]:
    """Yields what each catalogue has, in the order of their paths.

    Territories are one language: what Brazil and Portugal write is `pt`. English is what the messages say, so it has no
    catalogue of its own, but those of Australia and of Great Britain.

    Args:
      package: the folder of the django package. None takes the installed one.

    Raises:
      DataError: if django or babel is not installed, if django has no catalogues, or if one cannot be read.
    """
    found = sorted((package or installed()).rglob("locale/*/LC_MESSAGES/*.mo"))
    if not found:
        raise DataError(f"the installed django package must ship translations, but it has no file *.mo. {_REMEDY}")
    try:
        from babel.messages.mofile import read_mo
    except ImportError:
        raise DataError(
            f"the task 'languages' reads django's translations with babel, which is not installed. {_REMEDY}"
        ) from None
    for path in found:
        try:
            with path.open("rb") as file:
                catalogue = read_mo(file)
        except (OSError, ValueError, struct.error) as error:
            raise DataError(
                f"the catalogue {path} must be a file of gettext, but it cannot be read: {error}. Install django again"
            ) from None
        language = _TERRITORY.sub("", path.parts[-3])
        for message in catalogue:
            # The message without a text is the header.
            if message.id:
                yield Translation(language, _several(message.id), _several(message.string))


def installed() -> Path:
    """Returns the folder of the installed django package, without importing it.

    Raises:
      DataError: if it is not installed.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    places = list(spec.submodule_search_locations or []) if spec else []
    if not places:
        raise DataError(
            f"the task 'languages' learns from django's translations, but django is not installed. {_REMEDY}"
        )
    return Path(places[0])


def _several(text: object) -> tuple[str, ...]:
    return tuple(map(str, text)) if isinstance(text, (list, tuple)) else (str(text),)
