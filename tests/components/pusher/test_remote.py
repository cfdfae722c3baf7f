"""A push without renames. It goes through TFX's filesystem layer, as to an object store; here that is the disk."""

from pathlib import Path

import pytest
from tfx.dsl.io.filesystem import NotFoundError

from components.pusher import remote
from tests.components.pusher import models


def test_versions_count_up(tmp_path: Path):
    serving = f"{tmp_path}/serving/"

    first = remote.push(str(models.write(tmp_path / "first", 1)), serving)
    second = remote.push(f"{models.write(tmp_path / 'second', 2)}/", serving)

    assert [first, second] == [f"{tmp_path}/serving/1", f"{tmp_path}/serving/2"]
    assert models.numbers(tmp_path / "serving") == {1: 1, 2: 2}


def test_saved_model_is_copied_last(tmp_path: Path):
    model = models.write(tmp_path / "model", 1)
    # Copying this takes longer than a tick of the clock of files.
    (model / "variables" / "large").write_bytes(bytes(50_000_000))
    (model / "assets" / "saved_model.pb").write_bytes(b"an asset of that name")

    version = Path(remote.push(str(model), str(tmp_path / "serving")))

    written = {path: path.stat().st_mtime_ns for path in version.rglob("*") if path.is_file()}
    assert written[version / "saved_model.pb"] == max(written.values())
    assert (version / "assets" / "saved_model.pb").read_bytes() == b"an asset of that name"


@pytest.mark.parametrize("missing", ["saved_model.pb", "variables"])
def test_what_cannot_be_copied_leaves_no_version(tmp_path: Path, missing: str):
    model = models.write(tmp_path / "model", 1)
    if missing == "variables":
        (model / "variables" / "link").symlink_to("nowhere")
    else:
        (model / missing).unlink()

    with pytest.raises(NotFoundError):
        remote.push(str(model), str(tmp_path / "serving"))

    assert models.visible(tmp_path / "serving") == {}
