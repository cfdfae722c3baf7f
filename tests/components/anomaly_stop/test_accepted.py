"""What is accepted is replaced as a whole, or not at all."""

import shutil
from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from limbeck.components.anomaly_stop import accepted
from limbeck.components.anomaly_stop.accepted import Span
from limbeck.errors import DataError


def span(name: str, examples: int, splits: tuple[str, ...] = ("train", "test")) -> Span:
    """A schema of one feature, and statistics of each split."""
    schema = text_format.Parse(f'feature {{ name: "{name}" type: INT }}', schema_pb2.Schema())
    statistics = {
        split: text_format.Parse(
            f"datasets {{ num_examples: {examples + number} }}", statistics_pb2.DatasetFeatureStatisticsList()
        )
        for number, split in enumerate(splits)
    }
    return Span(schema, statistics)


# Of more splits than those after it, which shows what was left of it.
NEW = span("new", 20, ("train", "test", "validation"))


def test_nothing_is_accepted_at_first(tmp_path: Path):
    folder = str(tmp_path / "accepted")

    assert accepted.read(folder) is None
    assert accepted.generation(folder) == 0
    assert not (tmp_path / "accepted").exists()


def test_what_was_accepted_is_read_again(tmp_path: Path):
    folder = str(tmp_path / "accepted")
    accepted.replace(folder, span("size", 7), 0)

    assert accepted.read(folder) == span("size", 7)
    assert accepted.generation(folder) == 0


def test_the_schema_is_a_file_for_people(tmp_path: Path):
    accepted.replace(str(tmp_path), span("size", 7), 0)

    [path] = tmp_path.rglob("schema.pbtxt")
    assert 'name: "size"' in path.read_text(encoding="utf-8")


def test_the_state_before_leaves_nothing(tmp_path: Path):
    for number, generation in enumerate((0, 0, 1, 2, 2)):
        accepted.replace(str(tmp_path), span(f"f{number}", number), generation)

    assert accepted.read(str(tmp_path)) == span("f4", 4)
    assert accepted.generation(str(tmp_path)) == 2
    assert len(list(tmp_path.iterdir())) == 2
    assert len(list(tmp_path.rglob("FeatureStats.pb"))) == 2


class Killed(BaseException):
    """The process is no more."""


def steps(folder: Path, monkeypatch: pytest.MonkeyPatch, end: int) -> int:
    """Replaces `old` by `new`, and ends before the `end`th change of the filesystem; returns how many there were."""
    count = 0

    def counting(change):
        def changed(*arguments, **options):
            nonlocal count
            if count == end:
                raise Killed
            count += 1
            return change(*arguments, **options)

        return changed

    opened = Path.open

    def opening(path: Path, mode: str = "r", *arguments, **options):
        return (counting(opened) if "w" in mode else opened)(path, mode, *arguments, **options)

    def staying(path: Path, missing_ok: bool = False):
        """The dead do not tidy up."""

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", opening)
        patch.setattr(Path, "mkdir", counting(Path.mkdir))
        patch.setattr(Path, "replace", counting(Path.replace))
        patch.setattr(Path, "unlink", staying)
        patch.setattr(shutil, "rmtree", counting(shutil.rmtree))
        try:
            accepted.replace(str(folder), NEW, 1)
        except Killed:
            assert count == end
    return count


@pytest.mark.parametrize("first", [True, False], ids=["first", "later"])
def test_a_run_killed_anywhere_leaves_the_old_state_or_the_new(
    first: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    old = None if first else span("old", 10)
    seen, end, done = [], 0, False
    while not done:
        folder = tmp_path / str(end)
        if old:
            accepted.replace(str(folder), old, 0)
        done = steps(folder, monkeypatch, end) < end
        seen.append((accepted.read(str(folder)), accepted.generation(str(folder))))
        accepted.replace(str(folder), span("next", 30), 2)
        assert accepted.read(str(folder)) == span("next", 30)
        assert len(list(folder.iterdir())) == 2, "what the killed run left is still there"
        end += 1

    assert end > 6
    turn = seen.index((NEW, 1))
    assert seen[:turn] == [(old, 0)] * turn
    assert seen[turn:] == [(NEW, 1)] * (len(seen) - turn)
    assert turn > 0


def test_a_schema_that_somebody_spoilt_is_named(tmp_path: Path):
    accepted.replace(str(tmp_path), span("size", 7), 0)
    [path] = tmp_path.rglob("schema.pbtxt")
    path.write_text("feature {", encoding="utf-8")

    with pytest.raises(DataError, match=r"schema\.pbtxt is not a schema .*: undo what was changed"):
        accepted.read(str(tmp_path))
