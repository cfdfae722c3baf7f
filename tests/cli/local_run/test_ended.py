"""What a verb says of a process that did not end well, before its folder is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from limbeck import events
from limbeck.cli.local_run import ended
from limbeck.cli.local_run.run_folder import RunFolder
from limbeck.errors import UserError


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path)
    made.log.parent.mkdir()
    made.log.write_text("".join(f"line {number}\n" for number in range(40)), encoding="utf-8")
    made.events.touch()
    return made


def test_a_mistake_is_told_in_its_own_words(folder: RunFolder, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(events.ENVIRONMENT, str(folder.events))
    events.emit("failed", user=True, message="no such column")
    with pytest.raises(UserError, match=r"^no such column$"):
        ended.badly(folder, 2, "the process that scores")


def test_a_mistake_whose_words_found_no_room_on_the_disk_is_no_traceback(folder: RunFolder):
    """`check` and `predict` ended with an IndexError."""
    with pytest.raises(UserError, match="ended with exit code 2"):
        ended.badly(folder, 2, "the process that scores")


@pytest.mark.parametrize("code", [130, 143])
def test_a_signal_is_a_word(folder: RunFolder, capsys: pytest.CaptureFixture[str], code: int):
    assert ended.badly(folder, code, "the process that scores") == code
    assert capsys.readouterr() == ("", "stopped\n")


@pytest.mark.parametrize(("code", "how"), [(1, "ended with exit code 1"), (-9, "was killed by SIGKILL")])
def test_our_fault_shows_the_end_of_the_log(
    folder: RunFolder, capsys: pytest.CaptureFixture[str], code: int, how: str
):
    assert ended.badly(folder, code, "the process that scores") == 1
    *lines, last = capsys.readouterr().err.splitlines()
    assert lines == [f"line {number}" for number in range(10, 40)]
    assert last.startswith(f"error: the process that scores {how}")
    assert last.endswith("; the end of its log is above")
