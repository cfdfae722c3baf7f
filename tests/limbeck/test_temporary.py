"""Temporary folders: those of the dead are removed, and no others."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from limbeck import temporary

PROJECT = Path(__file__).parents[2]
SCRIPT = """
import sys
from limbeck import temporary
with temporary.folder() as folder:
    (folder / "large").write_text("packed data")
    (temporary.folder_until_exit() / "copy").write_text("copied data")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """The temporary folder of this test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def owner(place):
    """A process with two folders, one of them for its whole life."""
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        cwd=PROJECT,
        env=os.environ | {"TMPDIR": str(place)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        folder = Path(process.stdout.readline().strip())
        assert (folder / "large").exists() and len(list(place.iterdir())) == 2
        yield process
        process.kill()


def test_folders_of_a_killed_process_are_removed_and_those_of_a_living_one_are_not(owner, place):
    there = sorted(place.iterdir())
    assert temporary.sweep() == []
    assert sorted(place.iterdir()) == there
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    assert sorted(place.iterdir()) == there
    assert temporary.sweep() == there
    assert list(place.iterdir()) == []


def test_a_process_that_ends_leaves_nothing(owner, place):
    owner.stdin.close()
    assert owner.wait() == 0
    assert list(place.iterdir()) == []


def test_what_is_not_ours_stays(place, monkeypatch):
    """A folder without a lock, one of another program, a link to a folder elsewhere, and one of another user."""
    (place / "limbeck-old" / "files").mkdir(parents=True)
    (place / "other").mkdir()
    elsewhere = place / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "lock").touch()
    (place / "limbeck-link").symlink_to(elsewhere)
    linked_lock = place / "limbeck-linked-lock"
    linked_lock.mkdir()
    (linked_lock / "lock").symlink_to(elsewhere / "lock")
    assert temporary.sweep() == []
    shutil.copytree(elsewhere, place / "limbeck-dead")
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert temporary.sweep() == []
    monkeypatch.undo()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    assert temporary.sweep() == [place / "limbeck-dead"]
    assert (elsewhere / "lock").exists()


def test_a_folder_that_is_just_being_made_stays(place, monkeypatch):
    seen = []
    real = temporary.fcntl.flock

    def flock(descriptor, how):
        if not seen:
            # Another run sweeps between the making of the file and its lock.
            seen.append(True)
            monkeypatch.setattr(temporary.fcntl, "flock", real)
            assert temporary.sweep() == []
        return real(descriptor, how)

    monkeypatch.setattr(temporary.fcntl, "flock", flock)
    with temporary.folder() as folder:
        assert seen and folder.exists()
        assert temporary.sweep() == []
        assert folder.exists()
    assert list(place.iterdir()) == []


def test_a_folder_that_is_released_is_gone_at_once(place):
    folder = temporary.folder_until_exit()
    temporary.release("gs://bucket/folder")
    assert folder.exists()
    shutil.rmtree(folder)
    temporary.release(str(folder))
    temporary.release(str(folder))
    assert list(place.iterdir()) == []


def test_where_there_is_no_temporary_folder_nothing_is_raised(place, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(place / "missing"))
    assert temporary.sweep() == []
