import json
import logging
import subprocess
import sys
from pathlib import Path

import limbeck
from limbeck import events

_WRITER = """
import sys
from limbeck import events
sys.stdin.readline()
for number in range(200):
    events.emit("training", writer=sys.argv[1], number=number, text="x" * 2000)
"""


def read(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_events_are_appended_in_order(tmp_path, monkeypatch):
    path = tmp_path / "events.jsonl"
    monkeypatch.setenv(events.ENVIRONMENT, str(path))
    events.emit("phase", what="export", entry="teacher")
    events.emit("training", loss=0.5, text="ä\nb")
    first, second = read(path)
    assert first.pop("time") <= second.pop("time")
    assert first == {"event": "phase", "what": "export", "entry": "teacher"}
    assert second == {"event": "training", "loss": 0.5, "text": "ä\nb"}


def test_without_a_file_events_are_dropped(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(events.ENVIRONMENT, raising=False)
    events.emit("phase", what="export")
    monkeypatch.setenv(events.ENVIRONMENT, "")
    events.emit("phase", what="export")
    assert list(tmp_path.iterdir()) == []


def test_lines_of_several_processes_do_not_mix(tmp_path):
    path = tmp_path / "events.jsonl"
    root = str(Path(limbeck.__file__).parents[1])
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, name],
            env={events.ENVIRONMENT: str(path), "PYTHONPATH": root},
            stdin=subprocess.PIPE,
        )
        for name in "abc"
    ]
    for writer in writers:
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    for writer in writers:
        writer.stdin.close()
    written = read(path)
    for name in "abc":
        assert [event["number"] for event in written if event["writer"] == name] == list(range(200))


def test_a_torn_line_is_passed_over_and_its_neighbours_are_read():
    # A disk that was full for a moment left half a line; the next event went on behind it.
    whole = json.dumps({"event": "phase", "what": "a"})
    assert events.parse(whole) == {"event": "phase", "what": "a"}
    for torn in ("", whole[:-5], whole[:-5] + whole, "[1]", "null", '{"event": 5}', '{"time": 1}'):
        assert events.parse(torn) is None


def test_a_full_disk_ends_no_training(monkeypatch):
    monkeypatch.setenv(events.ENVIRONMENT, "/dev/full")
    events.emit("training", loss=0.5)


def test_a_note_stands_in_the_log_where_no_terminal_hears_it(monkeypatch, caplog):
    """Some notes were told to the terminal alone, so a pod's log did not have them."""
    monkeypatch.delenv(events.ENVIRONMENT, raising=False)
    events.note("the teacher is 100% sure", logging.getLogger("limbeck.any").warning)
    assert caplog.record_tuples == [("limbeck.any", logging.WARNING, "the teacher is 100% sure")]
