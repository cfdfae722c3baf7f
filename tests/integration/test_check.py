"""`check` on the product: it says what a run would say, in less time, and leaves nothing behind."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest

from tests.integration.runs import check, edit

pytestmark = pytest.mark.pipeline

TASK = '''"""Two measurements and a town; which of three kinds."""

import tensorflow as tf
import tensorflow_transform as tft
import tf_keras

from limbeck import Feature, Label, Task


def preprocessing_fn(inputs):
    """Scales the numbers."""
    numbers = [tft.scale_to_z_score(inputs[name]) for name in ("width", "length", "flat")]
    return {"numbers": tf.stack(numbers, axis=1)}


def build(units):
    numbers = tf_keras.Input([3], name="numbers")
    hidden = tf_keras.layers.Dense(units, activation="relu")(numbers)
    return tf_keras.Model({"numbers": numbers}, tf_keras.layers.Dense(3)(hidden))


def build_teacher(_):
    return build(16)


def build_student(_):
    return build(4)


TASK = Task(
    name="kinds",
    features=(Feature("width"), Feature("length", default=0.0), Feature("flat")),
    label=Label("kind", classes=("a", "b", "c"), kind="text"),
    preprocessing_fn=preprocessing_fn,
    build_teacher=build_teacher,
    build_student=build_student,
)
'''
SETTINGS = ("data.format=csv", "data.split=0.8/0.1/0.1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A task and 400 rows: a fifth without a length, a constant column, few of class c, and equal rows."""
    (tmp_path / "kinds.py").write_text(TASK, encoding="utf-8")
    rows = [
        f"{index % 97}.5,{'' if index % 5 == 0 else index % 89},1,{'c' if index % 50 == 0 else 'ab'[index % 2]}"
        for index in [*range(380), *range(20)]
    ]
    (tmp_path / "kinds.csv").write_text("width,length,flat,kind\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path


def checked(folder: Path, *settings: str) -> tuple[int, str]:
    """Checks the task; asserts that nothing is left."""
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    code, said = check(folder / "kinds.py", folder, *SETTINGS, f"data.path={folder / 'kinds.csv'}", *settings)
    left = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    left.pop(folder / "check-output.txt")
    assert {path: text for path, text in left.items() if "__pycache__" not in str(path)} == before
    # Other runs of this machine have such folders too.
    kept = [path.read_text() for path in Path(tempfile.gettempdir()).glob("limbeck-*/files/request.json")]
    assert not [text for text in kept if str(folder) in text]
    # What a fork of the tests' own process says at its end.
    return code, said.partition("Exception ignored in atexit")[0]


def test_a_sound_task_is_told_what_is_odd_about_its_data_and_how_long_a_run_takes(folder: Path):
    code, output = checked(folder, "training.epochs=50", "teachers.count=3")

    assert code == 0, output
    said = " ".join(output.split())
    assert "nothing stands in the way of a run" in said
    assert re.search(r"column 'length' has no value in \d+ of \d+ \((1[5-9]|2[0-5]) %\) of the rows", said)
    assert "column 'flat' has the same value in every row" in said
    assert re.search(r"rare among the training rows: 'c' \(\d\)", said)
    assert re.search(r"1[0-9] of \d+ \(\d %\) of the training rows equal another", said)
    assert "answered: all_classes [3, 3], class [3], logits [3, 3], probabilities [3, 3]" in said
    # 320 rows, 50 epochs, batches of 64; the search has a budget of 5 such trainings.
    teachers, controls, trials = (
        int(re.search(rf"{what} x ([\d,]+) steps", said)[1].replace(",", ""))
        for what in ("3 teachers: 3", "2 controls: 2", r"student, chosen of \d+ trials: 1")
    )
    assert teachers == controls == pytest.approx(250, abs=20)
    assert 2 * controls < trials <= 5 * controls


@pytest.mark.long
@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        pytest.param(
            "tf_keras.layers.Dense(units, activation", "tf_keras.layers.Dense(1 // (units - 4), activation",
            "task 'kinds' cannot build its student",
            id="a layer that raises when it is built",
        ),
        pytest.param(
            "tf_keras.layers.Dense(3)(hidden)", "tf_keras.layers.Dense(2)(hidden)",
            "must end in logits [batch, 3], but ends in (None, 2)",
            id="a wrong width",
        ),
        pytest.param(
            '("a", "b", "c")', '("a", "b", "k")',
            "hold the label 'c', which the task does not declare",
            id="an undeclared label",
        ),
        pytest.param(
            "tf_keras.layers.Dense(3)(hidden)",
            "tf_keras.layers.Lambda(lambda x: tf.debugging.check_numerics(tf.math.log(x - x - 1.0), 'none'))("
            "tf_keras.layers.Dense(3)(hidden))",
            "fails on the first batch",
            id="a layer that raises when it is called",
        ),
    ],
)  # fmt: skip
def test_a_broken_task_is_told_as_a_run_would_tell_it(folder: Path, old: str, new: str, says: str):
    edit(folder / "kinds.py", old, new)

    code, output = checked(folder)

    assert code == 2, output
    assert says in " ".join(output.split())
    assert output.count("error: ") == 1
    assert "Traceback" not in output
