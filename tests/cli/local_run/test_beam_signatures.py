"""Signatures that are remembered are those that Beam finds."""

from __future__ import annotations

import types
from typing import Any

import apache_beam as beam
import apache_beam.testing.util
import pytest
from apache_beam.transforms import core, userstate
from apache_beam.transforms.userstate import BagStateSpec

from limbeck.cli.local_run.beam_signatures import remembered


class Plain(beam.DoFn):
    def __init__(self, offset: int) -> None:
        self.offset = offset

    def process(self, element: int, factor: int = 2, *, unseen: int = 3) -> Any:
        yield element * factor + self.offset


class Timed(Plain):
    def process(self, element: int, window: Any = beam.DoFn.WindowParam) -> Any:  # type: ignore[override]
        yield element, window


class Stateful(beam.DoFn):
    SEEN = BagStateSpec("seen", beam.coders.VarIntCoder())

    def process(self, element: Any, seen: Any = beam.DoFn.StateParam(SEEN)) -> Any:  # noqa: B008
        yield element


def methods(given: Any) -> list[Any]:
    found = [getattr(given, name, None) for name in dir(given)]
    return [one for one in found if isinstance(one, types.MethodType)]


@pytest.mark.parametrize(
    "given", [Plain(1), Timed(1), Stateful(), beam.Map(str).fn], ids=lambda one: type(one).__name__
)
def test_they_are_those_that_beam_finds(given: Any):
    expected = [core.get_function_args_defaults(one) for one in methods(given)]
    stateful = userstate.is_stateful_dofn(given)
    with remembered():
        for _ in range(2):
            assert [core.get_function_args_defaults(one) for one in methods(given)] == expected
        assert userstate.is_stateful_dofn(given) == stateful == isinstance(given, Stateful)
        assert core.get_function_args_defaults(len) == (["obj"], [])


def test_each_function_is_inspected_once_and_what_is_handed_out_may_be_changed(monkeypatch: pytest.MonkeyPatch):
    inspected: list[Any] = []
    stock = core.get_signature
    monkeypatch.setattr(core, "get_signature", lambda one: (inspected.append(one), stock(one))[1])
    with remembered():
        for number in range(3):
            names, defaults = core.get_function_args_defaults(Plain(number).process)
            assert (names, defaults) == (["element", "factor"], [2])
            names.clear()
            defaults.clear()
    assert len(inspected) == 1
    core.get_function_args_defaults(Plain(0).process)
    assert len(inspected) == 2


def test_a_pipeline_computes_the_same_and_beam_is_as_before():
    stock = core.get_function_args_defaults
    with remembered(), beam.Pipeline() as pipeline:
        made = pipeline | beam.Create([1, 2]) | beam.ParDo(Plain(10)) | "Times" >> beam.ParDo(Plain(0), 5)
        beam.testing.util.assert_that(made, beam.testing.util.equal_to([60, 70]))
    assert core.get_function_args_defaults is stock
