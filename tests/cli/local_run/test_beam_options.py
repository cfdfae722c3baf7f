"""Options whose flags were parsed once are those that Beam parses each time."""

from __future__ import annotations

import argparse
from typing import Any

import pytest
from apache_beam.options import pipeline_options
from apache_beam.options.pipeline_options import DebugOptions, DirectOptions, PipelineOptions, StandardOptions

from limbeck.cli.local_run.beam_options import remembered

FLAGS = ["--direct_num_workers=3", "--experiments=one", "--experiments=two", "--runner=DirectRunner"]


def values(options: PipelineOptions, wanted: type[PipelineOptions]) -> dict[str, Any]:
    view: Any = options.view_as(wanted)
    return {name: getattr(view, name) for name in view._visible_option_list()}


@pytest.mark.parametrize("flags", [[], FLAGS], ids=["no flag", "flags"])
def test_each_view_has_the_values_of_beam(flags: list[str]):
    classes = PipelineOptions.__subclasses__()
    assert len(classes) > 10
    expected = [values(PipelineOptions(flags), one) for one in classes]
    everything = PipelineOptions(flags).get_all_options()
    with remembered():
        for _ in range(2):
            assert [values(PipelineOptions(flags), one) for one in classes] == expected
        assert PipelineOptions(flags).get_all_options() == everything


def test_views_share_their_values_and_other_options_do_not_see_them():
    with remembered():
        one, other = PipelineOptions(FLAGS), PipelineOptions(FLAGS)
        one.view_as(DirectOptions).direct_num_workers = 7
        one.view_as(DebugOptions).experiments.append("three")
        assert one.view_as(DirectOptions).direct_num_workers == 7
        assert one.view_as(DirectOptions).view_as(DebugOptions).experiments == ["one", "two", "three"]
        assert other.view_as(DirectOptions).direct_num_workers == 3
        assert other.view_as(DebugOptions).experiments == ["one", "two"]


def test_what_was_given_by_name_goes_before_a_flag():
    with remembered():
        assert PipelineOptions(FLAGS, direct_num_workers=5).view_as(DirectOptions).direct_num_workers == 5
        assert PipelineOptions(FLAGS).view_as(DirectOptions).direct_num_workers == 3


def test_each_class_parses_the_flags_once(monkeypatch: pytest.MonkeyPatch):
    parsed: list[Any] = []
    stock = argparse.ArgumentParser.parse_known_args

    def parse(self: Any, *arguments: Any, **named: Any) -> Any:
        parsed.append(self)
        return stock(self, *arguments, **named)

    monkeypatch.setattr(pipeline_options._BeamArgumentParser, "parse_known_args", parse)
    options = PipelineOptions(FLAGS)
    with remembered():
        parsed.clear()
        for _ in range(3):
            options.view_as(StandardOptions)
            options.view_as(DebugOptions)
    assert len(parsed) == 2


def test_without_flags_those_of_the_process_are_parsed(monkeypatch: pytest.MonkeyPatch):
    with remembered():
        for workers in (2, 4):
            monkeypatch.setattr("sys.argv", ["program", f"--direct_num_workers={workers}"])
            assert PipelineOptions().view_as(DirectOptions).direct_num_workers == workers


def test_beam_is_as_before():
    stock = PipelineOptions.view_as
    with remembered():
        assert PipelineOptions.view_as is not stock
    assert PipelineOptions.view_as is stock
