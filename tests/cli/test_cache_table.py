"""Which setting runs which nodes again: every setting there is, against a table written by hand."""

import dataclasses
import fnmatch
import json
from collections.abc import Iterator
from typing import Any

import pytest

from docs.generate import DOCS, PARTS, generated
from limbeck.cli import settings
from limbeck.cli.cache_table import SINGLE, Rows, changes, keys, markdown, read, run_again, table
from limbeck.records import to_json
from limbeck.reference import find
from limbeck.settings import sources
from limbeck.settings.config import Config

REF = find("digits")
JUDGES = {"Evaluator", "Predictor", "Reporter", "Gate", "Visualizer", "Pusher"}
TAUGHT = {"Distiller", "DistillerPseudoLabels"}
STUDENTS = TAUGHT | {"DistillerHardLabels"}
TEACHERS = {"TeacherTrainer", "TeacherLabeler"}
DATA = {"ExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator", "AnomalyStop", "Transform"}
# By setting, or by the pattern of several. The first that fits holds.
EXPECTED = {
    "data.*": DATA | TEACHERS | STUDENTS | JUDGES,
    "drift.*": {"AnomalyStop"},
    "strategy.*": TEACHERS | STUDENTS | JUDGES,
    # In the digits task teachers have epochs of their own.
    "training.epochs": STUDENTS | JUDGES,
    # They travel by the environment.
    "training.steps_per_call": set(),
    "training.swap": set(),
    # Students are not cut into stages.
    "pipelining.*": TEACHERS | TAUGHT | JUDGES,
    "training.*": TEACHERS | STUDENTS | JUDGES,
    # A student on hard labels has no teacher.
    "teachers.*": TEACHERS | TAUGHT | JUDGES,
    "labelling.*": {"TeacherLabeler"} | TAUGHT | JUDGES,
    "student.*": STUDENTS | JUDGES,
    "distillation.*": {"Distiller"} | JUDGES,
    # The Evaluator knows no file.
    "compression.*": {"Compressor"} | JUDGES - {"Evaluator"},
    # Only what the search trained differs, and the page shows it.
    "search.*": {"Distiller"} | JUDGES,
    # Students that are no more are no reason to evaluate the one that stays.
    "controls": JUDGES - {"Evaluator"},
    "gate.*": {"Gate", "Visualizer", "Pusher"},
    # What cannot change a result.
    "beam.*": set(),
    "scoring.*": set(),
    "checkpoint.*": set(),
    "recovery.*": set(),
    "launcher.*": set(),
    "containers": set(),
}

pytestmark = pytest.mark.pipeline


@pytest.fixture(scope="module")
def config() -> Config:
    return settings.load(REF, None, [])


@pytest.fixture(scope="module")
def rows(config: Config) -> Rows:
    return table(config, REF)


def expected(setting: str) -> set[str]:
    return next(nodes for pattern, nodes in EXPECTED.items() if fnmatch.fnmatch(setting, pattern))


def flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The settings of a tree by their dotted names."""
    for field in dataclasses.fields(value):
        name, one = f"{prefix}{field.name}", getattr(value, field.name)
        # There is a section of each node, and all of them are one setting.
        if dataclasses.is_dataclass(one) and name != "containers":
            yield from flat(one, f"{name}.")
        else:
            yield name, one


def test_every_setting_runs_again_what_depends_on_it_and_no_more(rows: Rows):
    assert {setting: set(nodes) for setting, nodes in rows.items()} == {
        setting: expected(setting) for setting in rows
    }


def test_the_table_has_every_setting(rows: Rows, config: Config):
    assert set(rows) == {name for name, _ in flat(config)} - SINGLE


def test_one_setting_is_changed_at_a_time(config: Config):
    for change in changes(config):
        before, after = (dict(flat(one)) for one in (change.before, change.after))
        assert [name for name in before if before[name] != after[name]] == [change.setting]


def test_nothing_runs_again_where_nothing_has_changed(config: Config):
    # Settings may be said in another place, or in more words.
    spelt_out = sources.load([json.loads(to_json(config)), {"strategy": {"workers": config.strategy.processes}}])
    assert spelt_out != config

    first = keys(config, REF)
    assert len(first) == len(set(first.values())) == 17
    assert run_again(first, keys(config, REF)) == run_again(first, keys(spelt_out, REF)) == ()


def test_teachers_that_are_told_the_same_number_of_epochs_elsewhere_are_not_trained_again(config: Config):
    plain = json.loads(to_json(config))
    of_teachers = sources.load([plain, {"training": {"epochs": 30}, "teachers": {"epochs": None}}])
    both = sources.load([plain, {"training": {"epochs": 30}, "teachers": {"epochs": 30}}])

    assert run_again(keys(of_teachers, REF), keys(both, REF)) == ()


@pytest.mark.parametrize("file", PARTS)
def test_the_docs_show_it(file: str, rows: Rows):
    assert (DOCS / file).read_text(encoding="utf-8") == generated(file, rows), "run `make docs`"


def test_the_table_of_the_docs_is_read_as_it_was_written(rows: Rows):
    assert read(f"above\n\n{markdown(rows)}\n\nbelow\n") == rows
