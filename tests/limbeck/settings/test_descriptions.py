"""What each setting means, from the docstrings."""

import dataclasses

import pytest

from limbeck.settings.config import Config
from limbeck.settings.descriptions import attributes, describe
from limbeck.settings.fields import runtime


@dataclasses.dataclass(frozen=True)
class Section:
    """A section.

    Attributes:
      first: on one line.
      second: on two lines, with a colon: and
        a bar | in it.
    """

    first: int = 1
    second: str | None = runtime(None)


def test_a_docstring_of_several_lines_becomes_one():
    assert attributes(Section) == {
        "first": "on one line.",
        "second": "on two lines, with a colon: and a bar | in it.",
    }


def test_key_default_and_kind_of_each_field():
    found = [(one.key, one.default, one.kind) for one in describe(Section, "some.")]
    assert found == [("some.first", 1, "structural"), ("some.second", None, "runtime")]


def test_a_setting_that_nobody_describes_is_refused():
    @dataclasses.dataclass(frozen=True)
    class Silent:
        """Says nothing."""

        field: int = 0

    with pytest.raises(ValueError, match="docstring of Silent must describe 'field'"):
        list(describe(Silent))


def test_every_setting_of_the_tree_is_described():
    keys = [one.key for one in describe()]
    assert len(keys) == len(set(keys))
    for section in dataclasses.fields(Config):
        assert any(key.partition(".")[0] == section.name for key in keys)
