"""Files scored one by one, as workers of a cluster do it, against Beam."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from limbeck.components.bulk_scoring import over_files, scoring
from limbeck.components.bulk_scoring.job import ScoringJob
from limbeck.components.inference import batches
from limbeck.errors import ConfigError, DataError
from limbeck.settings.beam import BeamConfig
from tests.components.bulk_scoring.model import write_model
from tests.components.bulk_scoring.test_scoring import job as job  # noqa: PLC0414, a fixture
from tests.components.bulk_scoring.test_scoring import rows_of, write_csv, written
from tests.components.mapping import here


def sorted_rows(output: str) -> list[str]:
    return sorted(repr(row) for row in written(output))


def test_answers_are_those_of_beam_to_the_bit(job: ScoringJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # More batches than one in each file, more tables than one in a file of answers, and a file without a row.
    monkeypatch.setattr(over_files, "_ROWS", 512)
    data = write_csv(tmp_path / "data", rows_of(1300))
    (tmp_path / "data" / "empty.csv").write_text("id,size,count,colour\n", encoding="utf-8")
    by_beam = dataclasses.replace(job, data=data, output=str(tmp_path / "beam"))
    by_files = dataclasses.replace(job, data=data, output=str(tmp_path / "files"))
    assert scoring.score(by_beam, BeamConfig().flags()) == 1300
    assert over_files.score(by_files, here.register(monkeypatch)) == 1300

    assert sorted_rows(by_files.output) == sorted_rows(by_beam.output)
    names = sorted(path.name for path in (tmp_path / "files").iterdir())
    assert names == [f"answers-0000{number}-of-00003.parquet" for number in range(3)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["beam", "data", "files"]


def test_a_mistake_leaves_nothing(job: ScoringJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    settings = here.register(monkeypatch)
    rows = rows_of(4)
    rows[2]["size"] = ""
    given = dataclasses.replace(job, data=write_csv(tmp_path / "data", rows), output=str(tmp_path / "answers"))
    with pytest.raises(DataError, match=r"part-0\.csv:3: there is no value of 'size'.*leave the row out$"):
        over_files.score(given, settings)
    with pytest.raises(ConfigError, match="OUT must be a new folder"):
        over_files.score(dataclasses.replace(given, output=str(tmp_path)), settings)
    with pytest.raises(ConfigError, match="--keep names 'class', and the model's answers have that name"):
        over_files.score(dataclasses.replace(given, keep=("class",)), settings)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_another_model_of_the_same_name_is_refused(tmp_path: Path):
    """As on a machine with a folder of its own, or with a model that was there before."""
    model = batches.SavedModel.of(write_model(tmp_path / "model"))
    loaded = model.load()
    assert model.load() is loaded
    write_model(tmp_path / "model", pair=True)
    with pytest.raises(ConfigError, match=r"there is another one in .*model"):
        dataclasses.replace(model, digest="0" * 64).load()
    assert batches.SavedModel.of(str(tmp_path / "model")).load() is not loaded
