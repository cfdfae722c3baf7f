"""A disk that is full in the middle of a push."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from limbeck.components.pusher.push import push
from tests.components.pusher import models, processes


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root can mount a small filesystem, and not in every container")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_the_versions_as_they_were(tmp_path: Path, small_disk: Path):
    serving = small_disk / "serving"
    push(models.write(tmp_path / "small", 1), serving)
    too_large = models.write(tmp_path / "large", 2, size=300_000)

    with pytest.raises(OSError, match="No space left on device"):
        push(too_large, serving)

    assert models.numbers(serving) == {1: 1}
    # What had been copied is gone: the next model has room.
    assert push(models.write(tmp_path / "next", 3, size=150_000), serving) == serving / "2"
    assert models.numbers(serving) == {1: 1, 2: 3}


@pytest.mark.processes
def test_a_file_that_is_too_large_for_the_disk_leaves_no_version(tmp_path: Path):
    serving, model = tmp_path / "serving", models.write(tmp_path / "model", 1)

    failed = processes.run("pushing", serving, model, "--limit", 1000)

    assert failed.returncode == 1
    assert "OSError: [Errno 27] File too large" in failed.stderr
    assert models.visible(serving) == {}
    assert not (serving / ".limbeck" / "unfinished").exists()
    shutil.rmtree(model / "assets")
    assert push(model, serving) == serving / "1"
