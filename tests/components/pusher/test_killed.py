"""A push that is killed at any moment: a server sees nothing of it, or all of it, and the next push works."""

import fcntl
import shutil
import signal
from pathlib import Path

import pytest

from limbeck.components.pusher.push import push
from tests.components.pusher import models, processes

pytestmark = pytest.mark.processes


def moments(*arguments: object) -> range:
    """The moments at which a process can be killed: before each time that it touches a file."""
    counted = processes.run("pushing", *arguments, "--count")
    assert counted.returncode == 0, counted.stderr
    return range(1, int(counted.stdout.split()[-1]) + 1)


def kill(moment: int, *arguments: object) -> None:
    killed = processes.run("pushing", *arguments, "--kill-at", moment)
    assert killed.returncode == -signal.SIGKILL, killed.stderr


def unfinished(serving: Path) -> bool:
    return (serving / ".limbeck" / "unfinished").exists()


def test_a_push_killed_at_any_moment_leaves_no_part_of_a_version(tmp_path: Path):
    first, second = models.write(tmp_path / "first", 1), models.write(tmp_path / "second", 2)
    serving = tmp_path / "serving"
    push(first, serving)
    shutil.copytree(serving, tmp_path / "rehearsal")
    left = set()

    for moment in moments(tmp_path / "rehearsal", second):
        shutil.rmtree(serving)
        push(first, serving)

        kill(moment, serving, second)

        seen = models.numbers(serving)
        assert seen.pop(1) == 1
        assert list(seen.values()) in ([], [2])
        left.add((unfinished(serving), bool(seen)))
        version = push(second, serving)
        assert models.number_of(version) == 2
        assert not seen or version == serving / str(max(seen))
        assert not unfinished(serving)
    # It was killed before the copy, during it, and when the version was out.
    assert left == {(False, False), (True, False), (False, True)}


def test_a_push_that_stands_still_shows_nothing_and_once_killed_does_not_hold_up_the_next(tmp_path: Path):
    first, second = models.write(tmp_path / "first", 1), models.write(tmp_path / "second", 2)
    serving = tmp_path / "serving"
    halfway = len(moments(tmp_path / "rehearsal", first)) // 2
    stuck = processes.start("pushing", serving, first, "--wait-at", halfway)
    processes.tell(stuck)
    assert processes.line(stuck) == "waiting"
    assert unfinished(serving)
    assert models.visible(serving) == {}
    with (serving / ".limbeck" / "lock").open() as lock, pytest.raises(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    stuck.kill()
    stuck.communicate()

    assert push(second, serving) == serving / "1"
    assert models.numbers(serving) == {1: 2}
    assert not unfinished(serving)
