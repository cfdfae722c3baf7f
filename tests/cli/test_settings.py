"""Which layer of settings wins."""

from pathlib import Path

import pytest

from limbeck import reference
from limbeck.cli import settings
from limbeck.errors import ConfigError
from limbeck.reference import TaskRef
from limbeck.settings.config import Config


@pytest.fixture
def ref(tmp_path: Path) -> TaskRef:
    """A task that must not be imported, whose settings lie beside it."""
    folder = tmp_path / "owntask"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise AssertionError('imported')", encoding="utf-8")
    text = "training: {epochs: 11, batch_size: 12, seed: 13}\nteachers: {hyperparameters: {width: 1, depth: 2}}"
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    return reference.find(str(folder))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "user.yaml"
    text = "training: {batch_size: 22, seed: 23}\nteachers: {hyperparameters: {depth: 3}}"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_any_layer_there_are_the_defaults(tmp_path: Path):
    (tmp_path / "bare.py").touch()

    assert settings.load(reference.find(str(tmp_path / "bare.py")), None, []) == Config()


def test_the_tasks_settings_lie_over_the_defaults(ref: TaskRef):
    training = settings.load(ref, None, []).training

    assert (training.epochs, training.batch_size, training.seed) == (11, 12, 13)
    assert training.learning_rate == Config().training.learning_rate


def test_the_users_file_lies_over_the_tasks_and_assignments_over_both(ref: TaskRef, file: Path):
    config = settings.load(ref, file, ["training.seed=33"])

    assert (config.training.epochs, config.training.batch_size, config.training.seed) == (11, 22, 33)


def test_sections_are_merged_key_by_key_to_their_depth(ref: TaskRef, file: Path):
    config = settings.load(ref, file, ["teachers.hyperparameters.name=big"])

    assert config.teachers.hyperparameters == {"width": 1, "depth": 3, "name": "big"}


def test_the_last_of_two_assignments_wins(ref: TaskRef):
    assert settings.load(ref, None, ["training.seed=1", "training.seed=2"]).training.seed == 2


def test_a_mistake_in_the_tasks_own_settings_is_named(ref: TaskRef, tmp_path: Path):
    (tmp_path / "owntask" / settings.TASK_SETTINGS).write_text("trainin: {}", encoding="utf-8")

    with pytest.raises(ConfigError, match=r"'trainin'\. Did you mean 'training'\?"):
        settings.load(ref, None, [])


def test_a_task_of_one_file_has_its_settings_under_its_own_name(tmp_path: Path):
    (tmp_path / "single.py").touch()
    (tmp_path / "config.yaml").write_text("of: something else", encoding="utf-8")
    assert settings.load(reference.find(str(tmp_path / "single.py")), None, []) == Config()

    (tmp_path / "single.yaml").write_text("training: {epochs: 3}", encoding="utf-8")
    assert settings.load(reference.find(str(tmp_path / "single.py")), None, []).training.epochs == 3
