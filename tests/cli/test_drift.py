"""`drift`, on requests that the server's own recorder has kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tensorflow_data_validation as tfdv

from limbeck.cli.local_run.run_folder import Request, RunFolder
from limbeck.cli.main import main
from limbeck.components.anomaly_stop import accepted
from limbeck.components.anomaly_stop.accepted import Span
from limbeck.server.recording import Recorder, Recording
from limbeck.server.signature import Signature
from limbeck.server.tensors import TensorInfo
from limbeck.settings.config import Config
from limbeck.settings.drift import DriftConfig
from tests.components.bulk_scoring.model import write_task

pytestmark = pytest.mark.long

ROWS = 1000
SIGNATURE = Signature(
    "serving_tensors",
    (
        TensorInfo("size", "float32", (-1,)),
        TensorInfo("count", "int64", (-1,)),
        TensorInfo("colour", "string", (-1,)),
    ),
    (),
    dict,
)


def drawn(seed: int, shift: float = 0.0, rows: int = ROWS) -> dict[str, Any]:
    generator = np.random.default_rng(seed)
    return {
        "size": (generator.normal(size=rows) + shift).astype(np.float32),
        "count": generator.integers(0, 10, rows),
        "colour": np.array([[b"red", b"blue"][one] for one in generator.integers(0, 2, rows)], object),
    }


def table_of(seed: int) -> dict[str, Any]:
    table = drawn(seed)
    return table | {"colour": [one.decode() for one in table["colour"]]}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a run that has accepted data. Three of the task's four features are in them, and a label."""
    place = tmp_path_factory.mktemp("drift")
    folder = RunFolder(place / "run")
    folder.prepare(Request(write_task(place), Config(drift=DriftConfig(threshold=0.28))))
    table = table_of(1) | {"shape": ["round"] * ROWS}
    statistics = tfdv.generate_statistics_from_dataframe(pd.DataFrame(table))
    accepted.replace(str(folder.accepted), Span(tfdv.infer_schema(statistics), {"train": statistics}), 0)
    return folder.root


def lacking(table: dict[str, Any]) -> dict[str, Any]:
    """Half of the examples have no colour, as in a table with gaps."""
    return table | {"colour": [one if row % 2 else None for row, one in enumerate(table["colour"])]}


def recorded(folder: Path, values: dict[str, Any]) -> str:
    recorder = Recorder(Recording(folder, 1.0, rows=150))
    for part in range(4):
        recorder.record(SIGNATURE, {name: array[part::4] for name, array in values.items()})
    recorder.close()
    return str(folder)


def test_requests_like_the_training_data_are_within_the_limit(root: Path, tmp_path: Path, capsys):
    assert main(["drift", recorded(tmp_path, drawn(2)), "--root", str(root)]) == 0
    told = capsys.readouterr().out
    assert "1,000 recorded rows, beside the training split that was accepted last:" in told
    for feature, measure in (("size", "Jensen-Shannon"), ("count", "Jensen-Shannon"), ("colour", "L-infinity")):
        assert f"  {feature}: {measure}" in told
    assert told.count(" <= 0.28") == 3
    assert "not compared, for want of 100 values in both: pair" in told
    assert "shape" not in told


def test_a_default_means_no_value_where_the_training_lacks_values(root: Path, tmp_path: Path, capsys):
    """A client cannot leave a tensor out. It sends the default, `none`, which no row of the training has as a value."""
    gaps = RunFolder(tmp_path / "gaps")
    gaps.prepare(RunFolder(root).request())
    statistics = tfdv.generate_statistics_from_dataframe(pd.DataFrame(lacking(table_of(1))))
    accepted.replace(str(gaps.accepted), Span(tfdv.infer_schema(statistics), {"train": statistics}), 0)
    values = drawn(2)
    values["colour"][::2] = b"none"
    place = recorded(tmp_path / "recorded", values)

    assert main(["drift", place, "--root", str(gaps.root)]) == 0
    assert "colour: L-infinity distance 0.0" in capsys.readouterr().out
    # Where every row has a colour, it is a value like any other.
    assert main(["drift", place, "--root", str(root)]) == 2
    assert "colour: L-infinity distance 0.5" in capsys.readouterr().out


def test_what_differs_is_named_and_nothing_else(root: Path, tmp_path: Path, capsys):
    """Half of the requests come from another distribution, whose numbers are larger."""
    values = drawn(3)
    values["size"][::2] += 8
    place = recorded(tmp_path, values)
    assert main(["drift", place, "--root", str(root)]) == 2
    told = capsys.readouterr()
    assert "  size: Jensen-Shannon divergence 0." in told.out and "> 0.28" in told.out
    assert "other data than the student was trained on: size. Look" in " ".join(told.err.split())
    assert main(["drift", place, "--root", str(root), "--threshold", "1"]) == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["{empty}", "--root", "{root}"], "there are no recorded requests in"),
        (["{full}", "--root", "{root}", "--threshold", "1.5"], "--threshold must be from 0 to 1; received 1.5"),
        (["{full}", "--root", "{new}"], "no run has accepted data in"),
    ],
)
def test_what_cannot_be_compared_is_refused(root: Path, tmp_path: Path, options: list[str], told: str, capsys):
    (tmp_path / "empty").mkdir()
    RunFolder(tmp_path / "new").prepare(RunFolder(root).request())
    full = recorded(tmp_path / "full", drawn(4, rows=8))
    places = {"empty": tmp_path / "empty", "full": full, "root": root, "new": tmp_path / "new"}
    assert main(["drift", *(option.format(**places) for option in options)]) == 2
    assert told in " ".join(capsys.readouterr().err.split())


def test_a_part_that_was_cut_off_is_named(root: Path, tmp_path: Path, capsys):
    """A part that was cut off when it was copied looked like a shorter one, or ended in a traceback."""
    place = recorded(tmp_path, drawn(5))
    part = next(tmp_path.glob("served-*"))
    part.write_bytes(part.read_bytes()[:-20])
    assert main(["drift", place, "--root", str(root)]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert f"recorded requests must be whole files, but {part} cannot be read: " in told
