"""A task and the digest of its code as execution properties, and back."""

import pytest

from limbeck import reference
from limbeck.components.properties.code import CodeRef, code_properties, task_of
from limbeck.errors import ConfigError
from limbeck.reference import TaskRef


@pytest.mark.parametrize("ref", [TaskRef("limbeck.tasks.digits"), TaskRef("own", "OTHER", "/somewhere/else")])
def test_a_task_and_its_digest_survive_the_way_through_properties(ref: TaskRef, monkeypatch: pytest.MonkeyPatch):
    properties = code_properties(CodeRef(ref, "abc"))

    for name, value in reference.environment(ref).items():
        monkeypatch.setenv(name, value)
    assert task_of(properties) == ref
    assert properties["code_digest"] == "abc"


def test_a_task_that_was_moved_is_the_same_task():
    one, other = (code_properties(CodeRef(TaskRef("own", search_path=folder), "abc")) for folder in ("/a", "/b"))

    assert one == other


def test_a_task_property_that_is_no_reference_is_refused():
    with pytest.raises(ConfigError, match="TaskRef"):
        task_of({"task": "limbeck.tasks.digits"})
