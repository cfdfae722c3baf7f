"""A push without renames, into TensorFlow's `ram://` and into an object store: no folder is made or renamed."""

import uuid
from pathlib import Path

import pytest

from limbeck import files
from limbeck.components.pusher import remote
from tests.components.pusher import models
from tests.object_store import Fault, Server, refuses


@pytest.fixture(params=["ram", "s3", "minio"])
def serving(request, tmp_path, monkeypatch):
    here = tmp_path / "working-directory"
    here.mkdir()
    monkeypatch.chdir(here)
    bucket = uuid.uuid4().hex if request.param == "ram" else request.getfixturevalue("bucket")
    yield f"{request.param}://{bucket}/serving"
    assert list(here.iterdir()) == []


def numbers(serving: str, folder: Path) -> dict[int, int]:
    """The number of the model in each version. Raises where one is not whole."""
    for version in files.names(serving):
        files.copy_folder(f"{serving}/{version}", folder / version)
        # No object store keeps an empty folder, and no server needs it.
        (folder / version / "assets.extra").mkdir()
    return models.numbers(folder)


def test_versions_count_up(serving: str, tmp_path: Path):
    first = remote.push(str(models.write(tmp_path / "first", 1)), f"{serving}/")
    second = remote.push(f"{models.write(tmp_path / 'second', 2)}/", serving)

    assert [first, second] == [f"{serving}/1", f"{serving}/2"]
    assert numbers(serving, tmp_path / "served") == {1: 1, 2: 2}


def test_saved_model_is_copied_last(serving: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    model = models.write(tmp_path / "model", 1)
    (model / "assets" / "saved_model.pb").write_bytes(b"an asset of that name")
    copied, copy = [], files.copy

    def copying(source, target):
        copied.append(target.removeprefix(f"{serving}/1/"))
        copy(source, target)

    monkeypatch.setattr(files, "copy", copying)
    version = remote.push(str(model), serving)

    assert sorted(copied) == files.walk(version) == files.walk(model)
    assert copied[-1] == "saved_model.pb" and copied.count("assets/saved_model.pb") == 1
    assert files.read_bytes(f"{version}/assets/saved_model.pb") == b"an asset of that name"


@pytest.mark.parametrize("missing", ["saved_model.pb", "variables"])
def test_what_cannot_be_copied_leaves_no_version(serving: str, tmp_path: Path, missing: str):
    model = models.write(tmp_path / "model", 1)
    if missing == "variables":
        (model / "variables" / "link").symlink_to("nowhere")
    else:
        (model / missing).unlink()

    with pytest.raises(FileNotFoundError):
        remote.push(str(model), serving)

    assert files.names(serving) == []


def test_a_store_that_fails_in_the_midst_keeps_no_version(
    bucket: str, object_store: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    serving = f"s3://{bucket}/serving"
    model = models.write(tmp_path / "model", 1)
    remote.push(str(model), serving)
    fault = Fault(
        lambda one: one.method == "PUT" and one.path.endswith("/2/saved_model.pb"),
        refuses("503 Slow Down", "SlowDown"),
    )
    with object_store.fault(fault), pytest.raises(OSError, match="answered 503"):
        remote.push(str(model), serving)
    assert fault.times == 0
    assert files.names(serving) == ["1"]
    assert remote.push(str(model), serving) == f"{serving}/2"
