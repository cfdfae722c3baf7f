"""Pusher as TFX runs it: stock artifacts in, a stock PushedModel out."""

from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from tfx.components.pusher import component as stock
from tfx.proto import pusher_pb2
from tfx.types import channel, standard_artifacts
from tfx.types.artifact import Artifact

from limbeck.components.artifacts.types import CompressedModel
from limbeck.components.pusher.component import Pusher
from limbeck.components.pusher.executor import Executor
from tests.components import rehearsal
from tests.components.pusher import models


def destination(serving: Path, **options: Any) -> pusher_pb2.PushDestination:
    filesystem = pusher_pb2.PushDestination.Filesystem(base_directory=str(serving), **options)
    return pusher_pb2.PushDestination(filesystem=filesystem)


def run(
    folder: Path, number: int, blessed: bool, to: pusher_pb2.PushDestination, file: bytes | None = None
) -> Artifact:
    """Runs Pusher for the model of a number, with a compressed `file` if there is one; returns its PushedModel."""
    folder.mkdir()
    model = rehearsal.artifact(standard_artifacts.Model, folder / "model")
    models.write(folder / "model" / "Format-Serving", number)
    blessing = rehearsal.artifact(standard_artifacts.ModelBlessing, folder / "blessing")
    blessing.set_int_custom_property("blessed", int(blessed))
    pushed = rehearsal.artifact(standard_artifacts.PushedModel, folder / "pushed")
    inputs = {"model": model, "model_blessing": blessing}
    if file is not None:
        inputs["compressed"] = rehearsal.artifact(CompressedModel, folder / "compressed")
        (folder / "compressed" / "Format-Serving" / "transform").mkdir(parents=True)
        for name in ("student.tflite", "transform/saved_model.pb"):
            (folder / "compressed" / "Format-Serving" / name).write_bytes(file)
    output = rehearsal.run(
        Executor,
        inputs,
        {"pushed_model": pushed},
        {"push_destination": json_format.MessageToJson(to, preserving_proto_field_name=True)},
        folder / "scratch",
    )
    [written] = output.output_artifacts["pushed_model"].artifacts
    pushed.mlmd_artifact.CopyFrom(written)
    return pushed


def test_a_blessed_model_becomes_the_next_version(tmp_path: Path):
    serving = tmp_path / "serving"

    pushed = [run(tmp_path / f"run-{n}", n, blessed=True, to=destination(serving)) for n in (1, 2)]

    assert models.numbers(serving) == {1: 1, 2: 2}
    assert [one.get_int_custom_property("pushed") for one in pushed] == [1, 1]
    assert [one.get_string_custom_property("pushed_version") for one in pushed] == ["1", "2"]
    assert [one.get_string_custom_property("pushed_destination") for one in pushed] == [
        str(serving / "1"),
        str(serving / "2"),
    ]


def test_a_file_is_pushed_in_the_version_of_its_student(tmp_path: Path):
    serving = tmp_path / "serving"
    given = [(1, b"one"), (1, b"two"), (1, b"two")]

    pushed = [
        run(tmp_path / f"run-{n}", number, blessed=True, to=destination(serving), file=file)
        for n, (number, file) in enumerate(given)
    ]

    # The same model with another file is another version; the same file is none.
    assert [one.get_string_custom_property("pushed_version") for one in pushed] == ["1", "2", "2"]
    for folder, file in ((serving / "1", b"one"), (serving / "2", b"two"), (Path(pushed[1].uri), b"two")):
        assert (folder / "saved_model.pb").exists()
        for name in ("student.tflite", "transform/saved_model.pb"):
            assert (folder / "compressed" / name).read_bytes() == file
    assert models.numbers(serving) == {1: 1, 2: 1}
    assert not (tmp_path / "run-0" / "scratch" / "version").exists()


@pytest.mark.parametrize("exists", [True, False])
def test_a_model_that_is_not_blessed_does_not_touch_the_destination(tmp_path: Path, exists: bool):
    serving = tmp_path / "serving"
    if exists:
        serving.mkdir()
        before = serving.stat()

    pushed = run(tmp_path / "run", 1, blessed=False, to=destination(serving))

    assert pushed.get_int_custom_property("pushed") == 0
    assert not pushed.has_custom_property("pushed_destination")
    assert list(Path(pushed.uri).iterdir()) == []
    if exists:
        assert list(serving.iterdir()) == []
        assert serving.stat().st_mtime_ns == before.st_mtime_ns
    else:
        assert not serving.exists()


def test_a_push_that_fails_leaves_no_version(tmp_path: Path):
    serving = tmp_path / "serving"
    serving.write_text("a file")

    with pytest.raises(NotADirectoryError):
        run(tmp_path / "run", 1, blessed=True, to=destination(serving))

    assert serving.read_text() == "a file"


@pytest.mark.parametrize(
    "to",
    [
        pusher_pb2.PushDestination(),
        destination(Path("serving"), versioning=pusher_pb2.Versioning.UNIX_TIMESTAMP),
    ],
)
def test_what_is_no_folder_of_counted_versions_is_refused(tmp_path: Path, to: pusher_pb2.PushDestination):
    with pytest.raises(NotImplementedError, match="base_directory and automatic versioning"):
        run(tmp_path / "run", 1, blessed=True, to=to)


def test_the_component_is_the_stock_one_with_another_executor():
    inputs = {
        "model": channel.Channel(type=standard_artifacts.Model),
        "model_blessing": channel.Channel(type=standard_artifacts.ModelBlessing),
        "push_destination": destination(Path("serving")),
    }

    ours, theirs = Pusher(**inputs), stock.Pusher(**inputs)

    assert ours.id == theirs.id == "Pusher"
    assert ours.spec.exec_properties == theirs.spec.exec_properties
    assert {name: one.type for name, one in ours.outputs.items()} == {
        name: one.type for name, one in theirs.outputs.items()
    }
    assert ours.executor_spec.class_path == "limbeck.components.pusher.executor.Executor"
