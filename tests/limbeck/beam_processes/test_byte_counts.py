"""What workers of Beam say that they read and wrote, beside the sizes of the files."""

from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.io.filesystem import CompressedFile
from apache_beam.io.filesystems import FileSystems

from limbeck import files, moved
from limbeck.beam_processes import byte_counts
from limbeck.moved import LEDGER
from limbeck.settings.beam import BeamConfig

pytestmark = pytest.mark.long

RECORDS = [bytes([number]) * (1000 + number) for number in range(100)]


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def ours(path: str, folder: str) -> str:
    """Copies a file by `limbeck.files`, as our own readers and writers do."""
    files.write_bytes(f"{folder}/{Path(path).name}", files.read_bytes(path))
    return path


def moved_by(workers: int, folder: Path) -> tuple[moved.Moved, ...]:
    """Reads, writes and copies the files of `in`."""
    LEDGER.take()
    with byte_counts.collected(), beam.Pipeline(argv=list(BeamConfig(workers=workers).flags())) as pipeline:
        paths = pipeline | beam.Create(sorted(map(str, (folder / "in").iterdir()))) | beam.Reshuffle()
        _ = (
            paths
            | beam.io.ReadAllFromTFRecord()
            | beam.io.WriteToTFRecord(str(folder / "out" / "x"), file_name_suffix=".gz")
        )
        _ = paths | beam.Map(ours, str(folder / "copies"))
        _ = paths | beam.io.WriteToText(str(folder / "plain" / "x"))
    return LEDGER.take()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with beam.Pipeline(argv=[]) as pipeline:
        for name in "abcd":
            _ = (
                pipeline
                | f"Create {name}" >> beam.Create(RECORDS)
                | f"Write {name}" >> beam.io.WriteToTFRecord(str(tmp_path / "in" / name), file_name_suffix=".gz")
            )
    return tmp_path


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.processes)])
def test_workers_count_the_bytes_of_the_files(folder: Path, workers: int):
    found = moved_by(workers, folder)
    assert 1 <= len(found) <= workers
    assert all(one.worker.partition(":")[0] == moved.this_process().partition(":")[0] for one in found)
    assert (moved.this_process() in [one.worker for one in found]) == (workers == 1)
    # By Beam, and by our own functions.
    assert sum(one.read for one in found) == 2 * size(folder / "in")
    assert sum(one.written for one in found) == sum(size(folder / name) for name in ("out", "copies", "plain"))
    assert size(folder / "copies") == size(folder / "in")


def test_a_file_reads_as_before(folder: Path):
    byte_counts.install()
    [path, *_] = sorted(map(str, (folder / "in").iterdir()))
    file = FileSystems.open(path)
    assert isinstance(file, CompressedFile)
    whole = file.read(1 << 20)
    assert file.seek(12) is None
    assert file.read(9) == whole[12:21] == RECORDS[0][:9]
    file.close()
    assert file.closed()
    with FileSystems.open(path, compression_type="uncompressed") as raw:
        assert raw.read() == Path(path).read_bytes()
        assert raw.seek(3) == 3
        assert raw.read(5) == Path(path).read_bytes()[3:8]


def test_a_runner_without_counters_stops_no_run(caplog: pytest.LogCaptureFixture):
    class Result:
        def metrics(self) -> None:
            raise NotImplementedError("none here")

    assert byte_counts.counts_of(Result()) == ()
    assert "none here" in caplog.text
