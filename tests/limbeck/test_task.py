import dataclasses
import importlib
import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limbeck import reference
from limbeck.digests.code import task_digests
from limbeck.errors import ConfigError, TaskError
from limbeck.records import from_json, to_json
from limbeck.reference import TaskRef
from limbeck.task import Feature, Label, Picture, Task

SOURCE = """
from limbeck.task import Feature, Label, Task

TASK = Task(
    name="mine",
    features=(Feature("x"),),
    label=Label("y", classes=("no", "yes")),
    preprocessing_fn=dict,
    build_teacher=dict,
    build_student=dict,
)
OTHER = TASK
NUMBER = 5
"""


def make(**changes):
    fields = {
        "name": "mine",
        "features": (Feature("x"), Feature("z", "text")),
        "label": Label("y", classes=("no", "yes")),
        "preprocessing_fn": dict,
        "build_teacher": dict,
        "build_student": dict,
    }
    return Task(**(fields | changes))


@pytest.fixture
def imports():
    """Forgets the modules that a test imported, and where from."""
    modules, path = set(sys.modules), list(sys.path)
    yield
    for name in set(sys.modules) - modules:
        del sys.modules[name]
    sys.path[:] = path


def write(folder, name, source=SOURCE):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(source)
    return folder / name


def test_a_built_in_task_is_found_by_its_name():
    assert reference.built_in() == sorted(reference.built_in())
    assert "digits" in reference.built_in()
    ref = reference.find("digits")
    assert ref == TaskRef(module="limbeck.tasks.digits")
    assert ref.folder() == reference.TASKS / "digits"


def test_a_task_is_found_by_the_path_of_its_file(tmp_path, monkeypatch, imports):
    write(tmp_path, "task_of_a_file.py")
    expected = TaskRef(module="task_of_a_file", search_path=str(tmp_path))
    assert reference.find(str(tmp_path / "task_of_a_file.py")) == expected
    monkeypatch.chdir(tmp_path)
    assert reference.find("task_of_a_file.py") == expected, (
        "a relative path depends on where the command was typed"
    )
    assert expected.folder() == tmp_path
    assert expected.load().name == "mine"


def test_a_helper_of_the_user_hides_no_module_of_ours(tmp_path, imports):
    # The user's folder once came first on the path: a report.py beside the task broke the run an hour later.
    write(tmp_path, "report.py", "raise AssertionError('imported')\n")
    write(tmp_path, "yaml.py", "raise AssertionError('imported')\n")
    ref = reference.find(str(write(tmp_path, "task_beside_others.py")))
    assert ref.load().name == "mine"
    assert importlib.import_module("limbeck.report.schema").VERSION


@pytest.mark.parametrize("name", ["report", "yaml", "json"])
def test_a_helper_that_another_module_would_hide_is_named(name, tmp_path, imports):
    helper = write(tmp_path, f"{name}.py", "VALUE = 1\n")
    file = write(tmp_path, "task_with_helper.py", f"from {name} import VALUE\n{SOURCE}")
    with pytest.raises(
        TaskError, match=f"imports '{name}', and {helper} has the name of another module.*rename it"
    ):
        reference.find(str(file)).load()


def test_a_feature_may_not_have_the_name_of_the_served_input():
    with pytest.raises(
        TaskError, match="has a feature 'examples', which is the name of the input of the served model"
    ):
        make(features=(Feature("examples"),))


def test_a_task_is_found_by_the_folder_of_its_package(tmp_path, imports):
    write(tmp_path / "task_of_a_folder", "__init__.py", "from task_of_a_folder.parts import TASK\n")
    write(tmp_path / "task_of_a_folder", "parts.py")
    ref = reference.find(f"{tmp_path}/task_of_a_folder/")
    assert ref == TaskRef(module="task_of_a_folder", search_path=str(tmp_path))
    assert ref.folder() == tmp_path / "task_of_a_folder"
    assert ref.load().name == "mine"


def test_a_task_is_found_by_module_and_attribute(tmp_path, monkeypatch, imports):
    write(tmp_path / "package_of_tasks", "__init__.py", "")
    write(tmp_path / "package_of_tasks", "first.py")
    monkeypatch.syspath_prepend(tmp_path)
    ref = reference.find("package_of_tasks.first:OTHER")
    assert ref == TaskRef(module="package_of_tasks.first", attribute="OTHER")
    assert ref.folder() == tmp_path / "package_of_tasks"
    assert ref.load().name == "mine"


def test_finding_a_task_and_its_folder_imports_nothing(tmp_path, monkeypatch):
    write(tmp_path / "task_that_explodes", "__init__.py", "raise RuntimeError('imported')")
    write(tmp_path / "task_that_explodes", "inner.py", "raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    found = [
        reference.find("digits"),
        reference.find(f"{tmp_path}/task_that_explodes"),
        reference.find("task_that_explodes.inner:TASK"),
    ]
    assert [ref.folder() is not None for ref in found] == [True] * 3
    assert set(sys.modules) == before


@pytest.mark.parametrize(("text", "message"), [
    ("digit", "there is no task 'digit'. Did you mean 'digits'?"),
    ("zzz", "Built-in tasks: "),
    ("digits.py", "there is no task at digits.py: expected a .py file"),
    ("./digits", "there is no task at digits: expected a .py file, or a folder with an __init__.py"),
    ("no.such.module:TASK", "there is no task 'no.such.module:TASK'"),
    ("json.decoder.deeper:TASK", "there is no task"),
    ("limbeck.tasks.digits", "module:attribute"),
    ("", "there is no task ''"),
])  # fmt: skip
def test_a_misspelt_task_is_refused(tmp_path, monkeypatch, text, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TaskError) as caught:
        reference.find(text)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["my-task.py", "json.py", "2nd.py"])
def test_a_file_that_cannot_be_imported_under_its_name_is_refused(tmp_path, name):
    with pytest.raises(TaskError, match=r"cannot be imported under the name '.*': rename it"):
        reference.find(str(write(tmp_path, name)))


def test_a_module_that_is_missing_is_named(tmp_path, imports):
    with pytest.raises(TaskError, match="'no_such_task' cannot be imported"):
        TaskRef(module="no_such_task", search_path=str(tmp_path)).load()
    write(tmp_path, "task_with_dependency.py", "import no_such_dependency\n")
    with pytest.raises(TaskError, match=r"'task_with_dependency' cannot be imported.*no_such_dependency"):
        TaskRef(module="task_with_dependency", search_path=str(tmp_path)).load()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("task_with_bad_syntax", "def f(:\n", "line 1(.|\n)*SyntaxError"),
        ("task_that_fails", "import math\n\nmath.sqrt(-1)\n", "line 3(.|\n)*ValueError: math domain error"),
        ("task_that_leaves", "import sys\n\nsys.exit(0)\n", "line 3(.|\n)*SystemExit: 0"),
    ],
)
def test_a_module_that_fails_is_the_users_to_mend_and_its_line_is_named(tmp_path, imports, name, text, said):
    write(tmp_path, f"{name}.py", text)
    with pytest.raises(TaskError, match=f"'{name}' cannot be imported(.|\n)*{name}.py(.|\n)*{said}"):
        TaskRef(module=name, search_path=str(tmp_path)).load()


def test_a_module_without_a_task_is_told_what_it_lacks(tmp_path, imports):
    write(tmp_path, "task_with_attributes.py")
    with pytest.raises(TaskError, match=r"has no TAKS: set TAKS = Task\(\.\.\.\) in it, or give --task"):
        TaskRef(module="task_with_attributes", attribute="TAKS", search_path=str(tmp_path)).load()


@pytest.mark.parametrize(("attribute", "kind"), [("NUMBER", "int")])
def test_an_attribute_that_is_no_task_is_refused(tmp_path, imports, attribute, kind):
    write(tmp_path, "task_with_attributes.py")
    ref = TaskRef(module="task_with_attributes", attribute=attribute, search_path=str(tmp_path))
    with pytest.raises(TaskError, match=f"task_with_attributes:{attribute} must be .*Task, but is {kind}"):
        ref.load()


def test_a_task_is_not_taken_for_another_of_the_same_module_name(tmp_path, imports):
    one, other = (reference.find(str(write(tmp_path / folder, "my_task.py"))) for folder in ("one", "other"))
    assert one.load() is one.load()
    with pytest.raises(TaskError, match=r"'my_task' in .*other has the name of another module, .*one/my_task\.py"):
        other.load()


def test_a_task_named_like_one_of_our_modules_is_refused(tmp_path, imports):
    with pytest.raises(TaskError, match=r"'limbeck'.* has the name of another module"):
        reference.find(str(write(tmp_path, "limbeck.py"))).load()


@given(st.builds(TaskRef, module=st.text(), attribute=st.text(), search_path=st.none() | st.text()))
def test_a_reference_survives_json(ref):
    assert from_json(TaskRef, to_json(ref)) == ref


def test_a_reference_has_no_other_key():
    with pytest.raises(ConfigError, match=r"'modul'\. Did you mean 'module'\?"):
        from_json(TaskRef, '{"module": "m", "modul": "m"}')


@pytest.mark.parametrize("name", ["a", "digits", "chicago-taxi-2", "0"])
def test_a_legal_name(name):
    assert make(name=name).name == name


@pytest.mark.parametrize("name", ["", "Digits", "a_b", "-a", "a-", "a b", "ä", "a\n"])
def test_a_name_that_a_cluster_would_refuse(name):
    with pytest.raises(TaskError, match="lower-case letters, digits and hyphens, received"):
        make(name=name)


@pytest.mark.parametrize(("changes", "message"), [
    ({"features": (Feature("x"), Feature("x"))}, r"declares a feature or its label twice: \['x', 'x', 'y'\]"),
    ({"label": Label("x", classes=("a", "b"))}, "declares a feature or its label twice"),
    ({"label": Label("l", objective="multi_label", columns=("a", "x"))}, r"its label twice: \['a', 'x', "),
    ({"slices": (("x", "y"), ("y", "x"))}, r"slices twice by the same: \['x', 'y'\]"),
    ({"slices": (("x", "x"),)}, "slices twice by the same"),
    ({"hints": (("a", "b"), ("c", "d"), ("a", "b"))}, r"the hint \('a', 'b'\) twice"),
    ({"features": (Feature("a"), Feature("A"))}, r"differ in case only.*\['A', 'a'\]\. Rename one"),
    ({"slices": (("x",), ("x", "colour"))}, "slices by 'colour', which is not a feature"),
    ({"features": (Feature("colour"),), "slices": (("color",),)}, r"Did you mean 'colour'\?"),
])  # fmt: skip
def test_a_task_that_contradicts_itself_is_refused(changes, message):
    with pytest.raises(TaskError, match=message):
        make(**changes)


def test_slices_may_be_of_features_and_label():
    assert make(slices=(("x", "z"), ("y",))).slices == (("x", "z"), ("y",))


@pytest.mark.parametrize("classes", [(), ("only",)])
def test_a_label_needs_two_classes(classes):
    with pytest.raises(TaskError, match=r"label 'y' needs at least two classes, received \("):
        Label("y", classes=classes)


def test_a_label_names_each_class_and_each_column_once():
    """A class that was named twice got two logits, one of which no example ever chose."""
    with pytest.raises(TaskError, match=r"label 'y' names the class 'barolo' twice.*name each class once"):
        Label("y", ("barolo", "barolo", "barbera"), kind="text")
    with pytest.raises(TaskError, match="label 'y' names the column 'a' twice"):
        Label("y", objective="multi_label", columns=("a", "b", "a"))


def test_a_misspelt_kind_is_refused():
    with pytest.raises(TaskError, match=r"feature 'x' .*received 'integers'\. Did you mean 'integer'\?"):
        Feature("x", "integers")
    with pytest.raises(TaskError, match=r"label 'y' .*received 'number'"):
        Label("y", ("a", "b"), kind="number")


@pytest.mark.parametrize(("changes", "message"), [
    ({"rows": 0}, "'image' needs at least one row and one column, received 0 x 8"),
    ({"columns": -1}, "received 8 x -1"),
    ({"brightest": 0.0}, "'image' needs a positive `brightest`, received 0.0"),
    ({"brightest": math.inf}, "received inf"),
    ({"brightest": math.nan}, "received nan"),
    ({"input": "label"}, "'label' must be one of the model's inputs, but that name is reserved"),
])  # fmt: skip
def test_a_picture_that_cannot_be_drawn_is_refused(changes, message):
    with pytest.raises(TaskError) as caught:
        Picture(**({"input": "image", "rows": 8, "columns": 8} | changes))
    assert message in str(caught.value)


def test_a_picture_trains_nothing_again(tmp_path, imports):
    ref = reference.find(str(write(tmp_path, "task_with_a_picture.py")))
    task = ref.load()
    with_picture = dataclasses.replace(task, picture=Picture("image", 8, 8))
    assert with_picture != task
    assert task_digests(with_picture, ref) == task_digests(task, ref)
