"""The seal tells whether two processes have the same packed examples, without reading them."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from limbeck import files
from limbeck.errors import DamagedDataError, DataError, PassingFaultError
from limbeck.trainer.data import packing
from limbeck.trainer.data.packed import PackedExamples, packed_digest
from tests.trainer import packed

COUNT = 43


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "sealed"
    made.mkdir()
    part = packed.write(tmp_path / "part.gz", packed.examples(COUNT))
    packing.pack([part], made, packed.SPEC, "label", packed.OBJECTIVE)
    return made


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def test_equal_data_have_the_same_digest_in_any_folder_and_other_data_have_another(folder, tmp_path):
    copied = shutil.copytree(folder, tmp_path / "elsewhere")
    other = tmp_path / "other"
    other.mkdir()
    changed = packed.examples(COUNT, seed=1)
    packing.pack([packed.write(tmp_path / "other.gz", changed)], other, packed.SPEC, "label", packed.OBJECTIVE)
    assert packed_digest(str(folder)) == packed_digest(str(copied)) != packed_digest(str(other))


def test_the_digest_reads_the_seal_and_the_index_and_never_the_examples(folder, monkeypatch):
    opened, real = [], files.open_to_read
    monkeypatch.setattr(
        files, "open_to_read", lambda location: opened.append(Path(location).name) or real(location)
    )
    packed_digest(str(folder))
    assert set(opened) == {"seal.json", "index.npy"}


def test_an_incomplete_copy_is_refused(folder):
    os.truncate(folder / "records.bin", 100)
    with pytest.raises(DataError, match=r"should be .*records\.bin \([\d,]+ bytes\), but are .*\(100 bytes\)"):
        packed_digest(str(folder))


def test_another_index_is_refused(folder):
    flip(folder / "index.npy", -1)
    with pytest.raises(DataError, match="index of the packed examples"):
        packed_digest(str(folder))


@pytest.mark.parametrize("text", ["", "{}", "nonsense"])
def test_a_damaged_seal_is_refused(folder, text):
    (folder / "seal.json").write_text(text)
    with pytest.raises(DataError, match="seal of the packed examples"):
        packed_digest(str(folder))


@pytest.mark.parametrize("place", [0, -1])
def test_other_records_of_equal_size_under_the_same_seal_are_refused_when_they_are_read(folder, place):
    """Neither the sizes nor the index can tell them apart."""
    before = packed_digest(str(folder))
    flip(folder / "records.bin", place)
    assert packed_digest(str(folder)) == before
    with pytest.raises(DamagedDataError, match=r"^1 of the packed examples in .* are not those that were packed"):
        PackedExamples(folder).read(np.arange(COUNT))


def test_a_copy_that_is_damaged_on_its_way_may_be_whole_the_next_time(folder, monkeypatch):
    flip(folder / "records.bin", 0)
    monkeypatch.setattr(files, "is_local", lambda _: False)
    monkeypatch.setattr(files, "local_copy", str)
    with pytest.raises(PassingFaultError, match="on its way here"):
        PackedExamples(folder).read(np.arange(COUNT))


def test_without_a_seal_all_bytes_count(folder):
    (folder / "seal.json").unlink()
    before = packed_digest(str(folder))
    flip(folder / "records.bin", 0)
    assert packed_digest(str(folder)) != before
