"""Version numbers, and what becomes of a version."""

import shutil
from pathlib import Path

import pytest

from limbeck.components.pusher.push import push
from tests.components.pusher import models


@pytest.fixture
def serving(tmp_path: Path) -> Path:
    return tmp_path / "somewhere" / "serving"


def model(tmp_path: Path, number: int) -> Path:
    return models.write(tmp_path / f"model-{number}", number)


def push_all(tmp_path: Path, serving: Path, *numbers: int) -> None:
    for number in numbers:
        push(model(tmp_path, number), serving)


def test_versions_count_up(tmp_path: Path, serving: Path):
    assert push(model(tmp_path, 10), serving) == serving / "1"
    assert push(model(tmp_path, 20), serving) == serving / "2"
    assert models.numbers(serving) == {1: 10, 2: 20}


def test_a_version_is_the_model_and_nothing_more(tmp_path: Path, serving: Path):
    source = model(tmp_path, 1)

    version = push(source, serving)

    assert sorted(path.relative_to(version) for path in version.rglob("*")) == sorted(
        path.relative_to(source) for path in source.rglob("*")
    )


@pytest.mark.parametrize(
    ("names", "version"),
    [
        (["1732190000"], 1732190001),
        (["4", "11", "2"], 12),
        # TensorFlow Serving reads the next two as numbers, and not the others.
        (["007"], 8),
        (["0"], 1),
        (["9.bak", "v9", ".9", "-9", "9" * 30, "²", "٩"], 1),
    ],
)
def test_what_stands_in_the_folder_counts_as_a_server_reads_it(
    tmp_path: Path, serving: Path, names: list[str], version: int
):
    for name in names:
        (serving / name).mkdir(parents=True)
        (serving / name / "theirs").touch()

    assert push(model(tmp_path, 1), serving) == serving / str(version)

    assert all((serving / name / "theirs").exists() for name in names)


def test_a_file_with_a_number_for_a_name_takes_that_number(tmp_path: Path, serving: Path):
    serving.mkdir(parents=True)
    (serving / "3").touch()

    assert push(model(tmp_path, 1), serving) == serving / "4"


def test_a_folder_without_files_takes_its_number(tmp_path: Path, serving: Path):
    (serving / "3").mkdir(parents=True)

    assert push(model(tmp_path, 1), serving) == serving / "4"


def test_the_number_of_a_deleted_version_is_not_used_again(tmp_path: Path, serving: Path):
    push_all(tmp_path, serving, 1, 2)
    delete(serving / "2")

    assert push(model(tmp_path, 3), serving) == serving / "3"

    delete(serving / "1")
    delete(serving / "3")
    assert push(model(tmp_path, 4), serving) == serving / "4"


def test_a_model_that_is_the_newest_version_is_not_pushed_again(tmp_path: Path, serving: Path):
    push_all(tmp_path, serving, 1, 2)
    before = (serving / "2").stat()

    assert push(models.write(tmp_path / "elsewhere", 2), serving) == serving / "2"

    assert models.numbers(serving) == {1: 1, 2: 2}
    assert (serving / "2").stat().st_ino == before.st_ino


def test_an_older_version_is_pushed_again_to_become_the_newest(tmp_path: Path, serving: Path):
    push_all(tmp_path, serving, 1, 2)

    assert push(tmp_path / "model-1", serving) == serving / "3"
    assert models.numbers(serving) == {1: 1, 2: 2, 3: 1}


@pytest.mark.parametrize("name", ["saved_model.pb", "variables/variables.index"])
def test_a_damaged_newest_version_is_not_taken_for_the_model(tmp_path: Path, serving: Path, name: str):
    push_all(tmp_path, serving, 1)
    with (serving / "1" / name).open("ab") as file:
        file.write(b"!")

    assert push(tmp_path / "model-1", serving) == serving / "2"
    assert models.number_of(serving / "2") == 1


def test_a_model_with_a_file_less_is_another_model(tmp_path: Path, serving: Path):
    push_all(tmp_path, serving, 1)
    (tmp_path / "model-1" / "assets" / "words").unlink()

    assert push(tmp_path / "model-1", serving) == serving / "2"
    assert not (serving / "2" / "assets" / "words").exists()


def test_links_in_a_model_are_pushed_as_what_they_lead_to(tmp_path: Path, serving: Path):
    source = model(tmp_path, 1)
    (source / "assets").rename(tmp_path / "assets")
    (source / "assets").symlink_to(tmp_path / "assets")

    version = push(source, serving)

    assert models.number_of(version) == 1
    assert not (version / "assets").is_symlink()
    assert push(source, serving) == version


def test_a_model_that_may_only_be_read_can_be_pushed_and_deleted(tmp_path: Path, serving: Path):
    source = model(tmp_path, 1)
    for path in [source, *source.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)

    version = push(source, serving)

    assert all(path.stat().st_mode & 0o200 for path in [version, *version.rglob("*")])


@pytest.mark.parametrize("exists", [True, False])
def test_no_model_is_no_version(tmp_path: Path, serving: Path, exists: bool):
    if exists:
        (tmp_path / "model" / "variables").mkdir(parents=True)

    with pytest.raises(FileNotFoundError, match="a model to push must have files"):
        push(tmp_path / "model", serving)

    assert not serving.exists()


def test_a_file_that_cannot_be_copied_leaves_no_version(tmp_path: Path, serving: Path):
    push_all(tmp_path, serving, 1)
    broken = model(tmp_path, 2)
    (broken / "variables" / "zz").symlink_to("nowhere")

    with pytest.raises(FileNotFoundError, match="zz"):
        push(broken, serving)

    assert models.numbers(serving) == {1: 1}
    assert hidden(serving) == {"lock", "1"}
    (broken / "variables" / "zz").unlink()
    assert push(broken, serving) == serving / "2"


def delete(folder: Path) -> None:
    shutil.rmtree(folder)


def hidden(serving: Path) -> set[str]:
    return {path.name for path in (serving / ".limbeck").iterdir()}
