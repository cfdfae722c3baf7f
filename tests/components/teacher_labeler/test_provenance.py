"""Soft targets of one teacher are not taken for those of another."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact

from limbeck.components.distiller.executor import Executor as Distiller
from limbeck.components.teacher_labeler.provenance import assert_from, folder_digest, sign
from limbeck.errors import DataError
from tests.components import rehearsal
from tests.components.world import PROPERTIES, World


def copy_of(teacher: Artifact, folder: Path) -> Artifact:
    shutil.copytree(teacher.uri, folder)
    return rehearsal.artifact(standard_artifacts.Model, folder)


def saved(model: Artifact) -> str:
    return f"{model.uri}/Format-Serving"


@pytest.fixture
def teacher(world: World, tmp_path: Path) -> Artifact:
    return copy_of(world.models["teacher"], tmp_path / "teacher")


@pytest.fixture
def examples(teacher: Artifact, tmp_path: Path) -> Artifact:
    made = rehearsal.examples(tmp_path / "labelled", ["train"])
    sign(made, saved(teacher))
    return made


def check(examples: Artifact, teacher: Artifact) -> None:
    assert_from({"examples": [examples], "teacher": [teacher]}, "examples", "teacher")


def change_a_weight(model: Artifact) -> None:
    """Turns one bit of one weight over."""
    data = Path(saved(model)) / "variables" / "variables.data-00000-of-00001"
    prefix = str(data).removesuffix(".data-00000-of-00001")
    before = weights(prefix)
    content = bytearray(data.read_bytes())
    first = next(value for name, value in before.items() if value.dtype.kind == "f")
    content[content.index(first.tobytes())] ^= 1
    data.write_bytes(content)


def weights(prefix: str) -> dict[str, Any]:
    reader = tf.train.load_checkpoint(prefix)
    names = (name for name in reader.get_variable_to_shape_map() if not name.startswith("_"))
    return {name: reader.get_tensor(name) for name in sorted(names)}


def test_labels_of_the_same_teacher_are_taken(examples: Artifact, teacher: Artifact):
    check(examples, teacher)


def test_a_teacher_may_be_copied_and_moved(examples: Artifact, teacher: Artifact, tmp_path: Path):
    copy = copy_of(teacher, tmp_path / "elsewhere" / "copy")
    Path(saved(copy), "fingerprint.pb").touch()
    check(examples, copy)
    shutil.move(teacher.uri, tmp_path / "moved")
    teacher.uri = str(tmp_path / "moved")
    check(examples, teacher)


def test_one_bit_of_one_weight_makes_another_teacher(examples: Artifact, teacher: Artifact):
    made_by = folder_digest(saved(teacher))
    change_a_weight(teacher)
    given = folder_digest(saved(teacher))

    with pytest.raises(DataError) as caught:
        check(examples, teacher)

    message = str(caught.value)
    assert made_by[:12] != given[:12]
    assert f"are those of another teacher (digest {made_by[:12]})" in message
    assert f"(digest {given[:12]}): label the examples again with this teacher" in message
    assert examples.uri in message
    assert teacher.uri in message


@pytest.mark.parametrize("changed", ["renamed", "added", "emptied"])
def test_every_file_counts_by_name_and_content(examples: Artifact, teacher: Artifact, changed: str):
    file = Path(saved(teacher)) / "fingerprint.pb"
    {
        "renamed": lambda: file.rename(file.with_name("fingerprint2.pb")),
        "added": lambda: file.with_name("more").touch(),
        "emptied": lambda: file.write_bytes(b""),
    }[changed]()

    with pytest.raises(DataError, match="those of another teacher"):
        check(examples, teacher)


def test_examples_without_a_signature_are_refused(teacher: Artifact, tmp_path: Path):
    unsigned = rehearsal.examples(tmp_path / "transformed", ["train"])

    with pytest.raises(DataError, match=r"transformed are not labelled by TeacherLabeler: .*'labelled_examples'"):
        check(unsigned, teacher)


def distil(world: World, examples: Artifact, teacher: Artifact, targets: str, folder: Path) -> None:
    inputs = {"examples": examples, "teacher": teacher, "transform_graph": world.transform_graph}
    outputs = {
        "model": rehearsal.artifact(standard_artifacts.Model, folder / "student"),
        "model_run": rehearsal.artifact(standard_artifacts.ModelRun, folder / "student-run"),
    }
    rehearsal.run(Distiller, inputs, outputs, PROPERTIES | {"targets": targets}, folder)


@pytest.mark.parametrize("targets", ["soft_targets", "pseudo_labels"])
def test_the_distiller_refuses_another_teacher_before_it_trains(
    world: World, examples: Artifact, teacher: Artifact, targets: str, tmp_path: Path
):
    change_a_weight(teacher)

    with pytest.raises(DataError, match="are those of another teacher"):
        distil(world, examples, teacher, targets, tmp_path)

    assert list((tmp_path / "student").iterdir()) == []


@pytest.mark.parametrize("targets", ["soft_targets", "pseudo_labels"])
def test_the_distiller_refuses_examples_that_no_teacher_labelled(
    world: World, teacher: Artifact, targets: str, tmp_path: Path
):
    with pytest.raises(DataError, match="are not labelled by TeacherLabeler"):
        distil(world, world.transformed_examples, teacher, targets, tmp_path)
