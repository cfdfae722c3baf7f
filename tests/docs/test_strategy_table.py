"""The table of strategies names only tests that there are, and settings that are really refused."""

import pytest

from limbeck.strategies.registry import STRATEGIES
from tests import strategy_table
from tests.strategy_table import ROWS, Row, Shown, assert_there, refuses


def test_a_named_test_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch):
    row = Row("a thing", {"mirrored": Shown("some/test_file.py", "test_one", "three-sgd")})
    monkeypatch.setattr(strategy_table, "ROWS", (row,))
    there = "tests/some/test_file.py::test_one[three-sgd-1e-06]"
    assert_there([there], {"tests/some/test_file.py"})
    # Of a file that was not collected nothing is known.
    assert_there([], set())
    for other in ("tests/some/test_file.py::test_one[two-sgd]", "tests/other.py::test_one[three-sgd]"):
        with pytest.raises(ValueError, match=r"'a thing' is shown under mirrored .* there is no such test"):
            assert_there([other], {"tests/some/test_file.py"})


def test_what_is_refused_is_asked_of_the_configuration():
    assert refuses("one_device", {"strategy": {"logical_devices": 2}})
    assert not refuses("mirrored", {"strategy": {"logical_devices": 2}})
    row = Row("it", {}, {"training": {"accumulate": 2}})
    assert [row.cell(name) for name in ("parameter_server", "mirrored", "tpu")] == [
        "refused",
        "not tested",
        "never run",
    ]


def test_every_strategy_that_was_run_trains_the_digits():
    """From the command line, in `make test-long`."""
    assert {name for name in STRATEGIES if ROWS[0].cell(name) == "yes"} == STRATEGIES.keys() - {"tpu"}
