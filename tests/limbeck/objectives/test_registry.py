"""Which objective a label has, and what is said where it has none."""

from pathlib import Path

import pytest

from limbeck.digests.code import task_digests
from limbeck.errors import TaskError
from limbeck.objectives import registry
from limbeck.objectives.classes import Classes
from limbeck.objectives.registry import objective_of, register
from limbeck.reference import TaskRef
from limbeck.task import Label


@pytest.fixture(autouse=True)
def _nothing_stays_registered(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(registry, "_OBJECTIVES", dict(registry._OBJECTIVES))


def test_a_label_is_of_classes_where_it_does_not_say():
    label = Label("y", ("no", "yes"))

    assert objective_of(label) == Classes(label)
    assert objective_of(label) != objective_of(Label("y", ("yes", "no")))


def test_an_unknown_objective_is_refused_with_the_nearest_name():
    with pytest.raises(
        TaskError, match=r"label 'y' has the unknown objective 'clases'\. Did you mean 'classes'\?"
    ):
        Label("y", ("no", "yes"), objective="clases")


def test_a_registered_objective_is_found_by_its_name():
    @register("grades")
    class Grades(Classes):
        pass

    assert type(objective_of(Label("y", ("good", "bad"), objective="grades"))) is Grades


def test_a_name_is_not_taken_twice_but_a_module_may_be_imported_anew():
    class Other(Classes):
        pass

    with pytest.raises(TaskError, match=r"there is an objective 'classes' already, limbeck\.objectives\.classes"):
        register("classes")(Other)

    register("other")(Other)
    again = type("Other", (Classes,), {"__module__": Other.__module__, "__qualname__": Other.__qualname__})
    assert register("other")(again) is again
    assert type(objective_of(Label("y", ("a", "b"), objective="other"))) is again


def test_a_kind_that_the_objective_does_not_take_is_refused():
    with pytest.raises(TaskError, match=r"label 'y' is of one kind of \('integer', 'text'\), received 'number'"):
        Label("y", ("a", "b"), kind="number")


SOURCE = """
from limbeck.objectives.classes import Classes
from limbeck.objectives.registry import register
from limbeck.task import Label, Task


@register("of_this_task")
class OfThisTask(Classes):
    def scores(self, outputs, labels):
        return super().scores(outputs, labels) * 1


def build(hyperparameters):
    pass


TASK = Task("own", (), Label("y", ("a", "b"), objective="of_this_task"), dict, build, build)
"""


def test_the_cache_sees_an_edit_of_a_tasks_own_objective(tmp_path: Path):
    file = tmp_path / "task_with_an_objective.py"
    file.write_text(SOURCE, encoding="utf-8")
    ref = TaskRef("task_with_an_objective", search_path=str(tmp_path))
    task = ref.load()
    before = task_digests(task, ref)

    file.write_text(SOURCE.replace("* 1", "* 2"), encoding="utf-8")

    assert task_digests(task, ref).preprocessing != before.preprocessing
