"""The documentation says what the code does."""

import pytest

from docs.generate import DOCS, PARTS, generated


@pytest.mark.parametrize("file", PARTS)
def test_the_generated_parts_are_up_to_date(file: str):
    assert (DOCS / file).read_text(encoding="utf-8") == generated(file), "run `make docs`"
