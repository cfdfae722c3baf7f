"""Trainings are told how the student will be compressed, and a recipe that needs another split is refused."""

import pytest
from tfx.types import artifact_utils, standard_artifacts

from limbeck.components.training import job
from limbeck.errors import DataError
from limbeck.settings.compression import CompressionConfig
from limbeck.settings.operational import Operational
from limbeck.settings.planned_student import PlannedStudent

AUTO, INT8 = CompressionConfig("auto"), CompressionConfig("int8")
GIVEN = Operational(planned_student=PlannedStudent(), planned_compression=INT8)


@pytest.mark.parametrize(
    ("entry", "targets", "compression", "told"),
    [
        ("teacher", "labels", None, INT8),
        ("student", "soft_targets", None, INT8),
        # Controls are not compressed.
        ("student", "labels", None, None),
        ("student", "pseudo_labels", None, None),
        # Compressor needs no rehearsal.
        ("student", "soft_targets", INT8, None),
    ],
)
def test_only_the_trainings_that_the_file_depends_on_try_the_recipe(entry, targets, compression, told):
    assert job._planned_compression(GIVEN, entry, targets, compression) == told


def test_teachers_without_a_planned_student_try_none():
    assert job._planned_compression(Operational(planned_compression=INT8), "teacher", "labels", None) is None


@pytest.mark.parametrize(
    ("splits", "config", "refused"),
    [
        (["train", "test"], AUTO, True),
        (["train", "validation", "test"], AUTO, False),
        (["train", "test"], INT8, False),
        (["train", "test"], None, False),
    ],
)
def test_a_choice_among_recipes_needs_a_validation_split(splits, config, refused):
    examples = standard_artifacts.Examples()
    examples.split_names = artifact_utils.encode_split_names(splits)
    if refused:
        with pytest.raises(
            DataError, match="auto judges files on the validation split, and the examples have none"
        ):
            job._assert_validation(config, {"examples": [examples]})
    else:
        job._assert_validation(config, {"examples": [examples]})
