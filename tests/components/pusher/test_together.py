"""Pushes while others push, and while a server reads."""

from pathlib import Path
from typing import Any

import pytest

from limbeck.components.pusher.push import push
from tests.components.pusher import models, processes

pytestmark = pytest.mark.processes


def test_a_reader_never_sees_part_of_a_version(tmp_path: Path):
    sources = [models.write(tmp_path / f"model-{n}", n, size=500_000) for n in range(101, 121)]
    serving = tmp_path / "serving"
    reader = processes.start("reading", serving)
    assert processes.line(reader) == "ready"

    for version, source in enumerate(sources, start=1):
        push(source, serving)
        # It has loaded each version before the next is pushed, so it was looking at every one of them.
        assert processes.line(reader) == f"{version} {100 + version}"

    out, err = reader.communicate(timeout=60)
    assert (reader.returncode, out, err) == (0, "", "")


def test_the_reader_would_see_part_of_a_version(tmp_path: Path):
    models.write(tmp_path / "1", 1)
    (tmp_path / "1" / "variables" / "variables.index").unlink()

    reader = processes.start("reading", tmp_path)

    assert processes.line(reader) == "ready"
    assert reader.wait(60) == 1
    _, err = reader.communicate()
    assert "variables.index" in err


def test_processes_that_push_at_once_get_a_version_each_for_every_model(tmp_path: Path):
    serving, pushed = tmp_path / "serving", [range(first, first + 5) for first in (10, 20, 30, 40)]
    started = [
        processes.start("pushing", serving, *(models.write(tmp_path / f"{n}", n) for n in some)) for some in pushed
    ]
    for process in started:
        processes.tell(process)
    said = [process.communicate(timeout=120) for process in started]

    assert [process.returncode for process in started] == [0] * 4, said
    versions = [[int(Path(line).name) for line in out.split()] for out, _ in said]
    assert sorted(version for some in versions for version in some) == list(range(1, 21))
    assert models.numbers(serving) == {
        version: number
        for some, numbers in zip(versions, pushed, strict=True)
        for version, number in zip(some, numbers, strict=True)
    }


def test_a_number_that_somebody_else_takes_meanwhile_is_left_to_them(tmp_path: Path):
    serving = tmp_path / "serving"

    done = processes.run("pushing", serving, models.write(tmp_path / "model", 7), "--intrude")

    assert done.stdout.split() == [str(serving / "2")], done.stderr
    assert [path.name for path in (serving / "1").iterdir()] == ["theirs"]
    assert models.number_of(serving / "2") == 7


def test_tensorflow_loads_every_version_as_soon_as_it_sees_it(tmp_path: Path):
    sources = [saved_model(tmp_path / f"model-{n}", n) for n in range(11, 16)]
    serving = tmp_path / "serving"
    reader = processes.start("reading", serving, "--tensorflow")
    assert processes.line(reader) == "ready"

    for version, source in enumerate(sources, start=1):
        push(source, serving)
        assert processes.line(reader) == f"{version} {10 + version}"

    _, err = reader.communicate(timeout=60)
    assert reader.returncode == 0, err


def saved_model(folder: Path, number: int) -> Path:
    """A SavedModel that answers its number."""
    import tensorflow as tf

    module: Any = tf.Module()
    module.number = tf.Variable(number)
    module.answer = tf.function(lambda: {"number": module.number.read_value()}, input_signature=[])
    tf.saved_model.save(module, str(folder), signatures=module.answer.get_concrete_function())
    return folder
