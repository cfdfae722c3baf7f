"""A user's mistake comes out of a pipeline as what it was, whatever a runner made of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limbeck.beam_processes.faults import marked, unmarked
from limbeck.errors import ConfigError, DamagedDataError, DataError, UserError

KINDS = [DataError, ConfigError]


def raised_inside(error: UserError) -> str:
    with pytest.raises(UserError) as raised, marked():
        raise error
    return str(raised.value)


@given(st.text(st.characters(exclude_categories=("Cs",))), st.sampled_from(KINDS), st.sampled_from([str, repr]))
def test_the_message_comes_out_of_the_text_of_a_traceback(message: str, kind: type[UserError], spell: type):
    inside = raised_inside(kind(message))
    assert inside.startswith(message)

    with pytest.raises(UserError) as raised, unmarked():
        raise RuntimeError(f"Traceback (most recent call last): {spell(inside)} [while running 'Read']\nand so on")
    assert (type(raised.value), str(raised.value)) == (kind, message)


def test_a_kind_of_data_error_comes_out_as_one():
    with pytest.raises(DataError, match=r"^torn$"), unmarked():
        raise RuntimeError(raised_inside(DamagedDataError("torn")))


@pytest.mark.parametrize("error", [RuntimeError("disk full"), DataError("before the pipeline began"), KeyError()])
def test_other_errors_pass(error: Exception):
    with pytest.raises(type(error)) as raised, unmarked(), marked():
        raise error
    if not isinstance(error, DataError):
        assert raised.value is error


def test_no_error_is_none():
    with unmarked(), marked():
        pass
