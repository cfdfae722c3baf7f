"""Splits that Beam's workers read, against the same packed in one process."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from limbeck import files
from limbeck.components.training import packing as by_workers
from limbeck.components.training.packing import Part, Workers, parts_of
from limbeck.errors import ConfigError, DataError
from limbeck.settings.beam import BeamConfig
from limbeck.trainer.data import packing
from limbeck.trainer.data.reading import Reading
from limbeck.trainer.data.runs import Limits
from tests.trainer import packed
from tests.trainer.data.test_columns import DENSE, OTHERS
from tests.trainer.data.test_packed_bytes import content, cut, several_logits, with_ties

pytestmark = pytest.mark.long

# Threads work as processes do, and start at once.
THREADS = tuple(flag.replace("multi_processing", "multi_threading") for flag in BeamConfig(workers=2).flags())
MANY = Limits(read_examples=4, run_bytes=1, block_bytes=500, open_runs=3)


@pytest.fixture
def workers(tmp_path: Path) -> Workers:
    return Workers(THREADS, str(tmp_path / "place"), fewest_bytes=0, part_bytes=1)


@pytest.fixture
def sources(tmp_path: Path) -> list[str]:
    return cut(tmp_path / "files", with_ties(30), 7, seed=2)


def alone(sources: list[str], folder: Path, spec: Any = OTHERS) -> dict[str, bytes]:
    packing.pack(sources, folder, spec, "label", packed.OBJECTIVE)
    return content(folder)


def together(sources: list[str], folder: Path, workers: Workers, spec: Any = OTHERS, **named: Any) -> int:
    return by_workers.pack(
        sources, folder, spec, "label", packed.OBJECTIVE, split="training", workers=workers, **named
    )


@pytest.mark.parametrize(("sizes", "parts"), [
    ([], []),
    ([3, 3, 3, 3], [2, 2]),
    ([9, 1, 1, 20, 2], [1, 2, 1, 1]),
    ([0, 0, 0], [3]),
])  # fmt: skip
def test_small_files_are_read_together_and_a_large_one_alone(sizes: list[int], parts: list[int]):
    paths = [f"{number}.gz" for number in range(len(sizes))]
    found = parts_of(paths, sizes, most_bytes=8)
    assert [(one.number, len(one.paths)) for one in found] == list(enumerate(parts))
    assert [path for one in found for path in one.paths] == paths


def test_workers_are_asked_only_if_they_are_several_and_there_is_enough_for_them():
    two = BeamConfig(workers=2).flags()
    assert Workers(two, "", fewest_bytes=10).read([5, 5])
    assert not Workers(two, "", fewest_bytes=11).read([5, 5])
    assert not Workers(two, "", fewest_bytes=0).read([10])
    assert not Workers(BeamConfig().flags(), "", fewest_bytes=0).read([5, 5])
    # What tests and trials pack is small.
    assert not Workers(two, "").read([1 << 20] * 20)


def test_a_small_split_is_packed_in_this_process(tmp_path: Path, sources: list[str]):
    nowhere = Workers(BeamConfig(workers=2).flags(), str(tmp_path / "place"))
    together(sources, tmp_path / "packed", nowhere)
    assert content(tmp_path / "packed") == alone(sources, tmp_path / "alone")
    assert not (tmp_path / "place").exists()


@pytest.mark.parametrize("limits", [Limits(), MANY], ids=["one", "many"])
@pytest.mark.parametrize("place", ["local", "ram"])
def test_what_several_workers_read_is_packed_to_the_same_bytes(
    tmp_path: Path, sources: list[str], place: str, limits: Limits
):
    folder = str(tmp_path / "place") if place == "local" else f"ram://{uuid.uuid4().hex}"
    assert together(sources, tmp_path / "packed", Workers(THREADS, folder, 0, 1), limits=limits) == 38
    assert content(tmp_path / "packed") == alone(sources, tmp_path / "alone")
    assert files.walk(folder) == []


def broken(sources: list[str], kind: str) -> str:
    """Breaks one of the files. Returns what must be said of it."""
    path = Path(sources[3])
    whole = path.read_bytes()
    if kind == "truncated":
        path.write_bytes(whole[: len(whole) // 2])
        return rf"^{path} is truncated or corrupt: write it again"
    if kind == "corrupt":
        path.write_bytes(whole[:-6] + bytes([whole[-6] ^ 0xFF]) + whole[-5:])
        return rf"^{path} is truncated or corrupt: write it again"
    if kind == "other records":
        packed.write(path, [b"no example"])
        return rf"^{path} must hold tf\.Examples with one text 'example_id', one integer 'label'"
    packed.write(path, [packed.serialize(example_id="1", label=-2, text="t")])
    return r"^1 of \d+ training examples have a label that the task does not declare"


@pytest.mark.parametrize("kind", ["truncated", "corrupt", "other records", "undeclared"])
def test_what_a_worker_finds_wrong_is_said_as_if_it_were_found_here(
    tmp_path: Path, sources: list[str], workers: Workers, kind: str
):
    said = broken(sources, kind)
    with pytest.raises(DataError, match=said) as here:
        alone(sources, tmp_path / "alone")
    with pytest.raises(DataError) as there:
        together(sources, tmp_path / "packed", workers)
    assert str(there.value) == str(here.value)
    assert files.walk(workers.place) == []
    assert content(tmp_path / "packed") == {}


def test_files_of_different_teachers_are_refused_though_no_worker_saw_both(tmp_path: Path, workers: Workers):
    sources = [packed.write(tmp_path / f"{number}.gz", several_logits(9, number + 1)) for number in range(2)]
    said = r"'logits', but some have 2, and some 4: label all examples by the same teachers"
    with pytest.raises(DataError, match=said):
        together(sources, tmp_path / "packed", workers, DENSE)
    assert files.walk(workers.place) == []


def test_a_split_without_examples_is_refused(tmp_path: Path, workers: Workers):
    empty = [packed.write(tmp_path / f"{number}.gz", []) for number in range(2)]
    with pytest.raises(DataError, match=r"the training split holds no examples: check data\.path"):
        together(empty, tmp_path / "packed", workers)


def test_a_worker_that_fails_leaves_nothing(tmp_path: Path, sources: list[str], workers: Workers):
    """A file that cannot be read is no mistake that we can name, so Beam's own error passes."""
    unreadable = tmp_path / "files" / "9.gz"
    unreadable.mkdir()
    with pytest.raises(Exception, match=r"Is a directory: .*9\.gz"):
        together([*sources, str(unreadable)], tmp_path / "packed", workers)
    assert files.walk(workers.place) == []
    assert content(tmp_path / "packed") == {}


def test_a_part_that_was_read_twice_counts_once(tmp_path: Path, sources: list[str]):
    """As when a worker died after its work. Its runs are there, and no part names them."""
    reading = Reading.of(OTHERS, "label", packed.OBJECTIVE)
    part = Part(0, tuple(sources[:2]))
    folder = tmp_path / "runs"
    for _ in range(2):
        by_workers.read_part(part, reading, str(folder), Limits())
    runs = by_workers.runs_of(part, str(folder))
    assert len(list(folder.glob("*.run"))) == 2
    assert [Path(run.path).exists() for run in runs] == [True]


def test_workers_that_write_elsewhere_are_told(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"must write into the folder .* share the folders of the pipeline"):
        by_workers.runs_of(Part(0, ("a.gz",)), str(tmp_path))


@pytest.mark.processes
def test_processes_of_beam_read_a_split(tmp_path: Path, sources: list[str]):
    """Two processes, which share nothing with this one but the folder. Then one of the files is damaged."""
    workers = Workers(BeamConfig(workers=2).flags(), str(tmp_path / "place"), fewest_bytes=0, part_bytes=1)
    expected = alone(sources, tmp_path / "alone")
    assert together(sources, tmp_path / "packed", workers) == 38
    assert content(tmp_path / "packed") == expected
    assert files.walk(workers.place) == []

    said = broken(sources, "truncated")
    with pytest.raises(DataError, match=said):
        together(sources, tmp_path / "broken", workers)
    assert files.walk(workers.place) == []
    assert content(tmp_path / "broken") == {}
