"""What django ships, read and selected once for all tests of the task."""

import pytest

from limbeck.tasks.languages.selection import Selection, select
from limbeck.tasks.languages.translations import Translation, translations


@pytest.fixture(scope="package")
def found() -> list[Translation]:
    return list(translations())


@pytest.fixture(scope="package")
def selected(found: list[Translation]) -> Selection:
    return select(found)
