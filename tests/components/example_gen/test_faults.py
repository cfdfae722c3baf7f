"""A DataError comes out of a pipeline as what it was, whatever a runner made of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limbeck.components.example_gen.faults import marked, unmarked
from limbeck.errors import DataError


def raised_inside(message: str) -> str:
    with pytest.raises(DataError) as raised, marked():
        raise DataError(message)
    return str(raised.value)


@given(st.text(st.characters(exclude_categories=("Cs",))), st.sampled_from([str, repr]))
def test_the_message_comes_out_of_the_text_of_a_traceback(message: str, spell: type):
    inside = raised_inside(message)
    assert inside.startswith(message)

    with pytest.raises(DataError) as raised, unmarked():
        raise RuntimeError(f"Traceback (most recent call last): {spell(inside)} [while running 'Read']\nand so on")
    assert str(raised.value) == message


@pytest.mark.parametrize("error", [RuntimeError("disk full"), DataError("before the pipeline began"), KeyError()])
def test_other_errors_pass(error: Exception):
    with pytest.raises(type(error)) as raised, unmarked(), marked():
        raise error
    if not isinstance(error, DataError):
        assert raised.value is error


def test_no_error_is_none():
    with unmarked(), marked():
        pass
