"""`predict`: what it refuses at once, and a whole scoring on an engine."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from limbeck.cli.local_run.run_folder import Request, RunFolder
from limbeck.cli.main import main
from limbeck.records import to_json
from limbeck.settings.config import Config
from limbeck.settings.data import DataConfig
from tests.components.bulk_scoring.model import SOURCE, write_model, write_task

pytestmark = pytest.mark.long

NO_PAIR = SOURCE.replace('        Feature("pair", "number", shape=(2,)),\n', "")


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a run that has pushed two versions."""
    folder = tmp_path_factory.mktemp("pushed")
    root = RunFolder(folder / "root")
    for version in ("1", "3"):
        write_model(root.serving / version)
    request = Request(write_task(folder, NO_PAIR), Config(data=DataConfig(path="/data", format="csv")))
    root.request_file.write_text(to_json(request), encoding="utf-8")
    return root.root


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "rows.csv").write_text(
        "id,size\n" + "".join(f"r{number},{number}.5\n" for number in range(30)), encoding="utf-8"
    )
    return tmp_path / "rows.csv"


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["predict", *map(str, arguments)]) == 2
    return capsys.readouterr().err


def test_what_is_refused_at_once(pushed: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out, root = tmp_path / "out", ("--root", pushed)
    assert "is not the root of a run" in refused(capsys, data, out, "--root", tmp_path)
    assert "there is no version 2 in" in refused(capsys, data, out, *root, "--version", 2)
    assert "there are 1, 3" in refused(capsys, data, out, *root, "--version", 2)
    assert "OUT must be a new folder" in refused(capsys, data, tmp_path, *root)
    assert "OUT must be a new folder" in refused(capsys, data, tmp_path / "none" / "out", *root)
    assert "nothing can be written in /proc (" in refused(capsys, data, "/proc/out", *root)
    assert "the student is trained already" in refused(capsys, data, out, *root, "--set", "training.epochs=3")
    assert "looks like csv: set data.format=csv" in refused(
        capsys, data, out, *root, "--set", "data.format=parquet"
    )
    # Told only after half a minute of loading, these were.
    assert f"no file matches {tmp_path}/nothere" in refused(capsys, tmp_path / "nothere", out, *root)
    assert "rows.csv: there is no column 'sise' to keep. Did you mean 'size'?" in refused(
        capsys, data, out, *root, "--keep", "sise"
    )
    assert "does not answer" in refused(
        capsys, data, out, *root, "--set", "beam.engine=portable", "--set", "beam.endpoint=127.0.0.1:1"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.csv"]


def test_nothing_was_pushed(pushed: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    root = tmp_path / "empty"
    root.mkdir()
    shutil.copy(pushed / "request.json", root)
    assert "there is no student in" in refused(capsys, data, tmp_path / "out", "--root", root)


@pytest.mark.processes
def test_an_older_version_scores_on_an_engine(
    pushed: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    import pyarrow.parquet

    settings = [part for one in ("beam.engine=portable", "beam.environment=process") for part in ("--set", one)]
    arguments = [str(data), str(tmp_path / "out"), "--root", str(pushed), "--version", "1", "--keep", "id"]
    code = main(["predict", *arguments, *settings])
    said = capsys.readouterr()
    assert code == 0, said.err
    assert "scored 30 rows" in said.out
    rows = pyarrow.parquet.read_table(tmp_path / "out").to_pylist()
    assert sorted(row["id"] for row in rows) == sorted(f"r{number}" for number in range(30))
    assert {row["name"] for row in rows} == {"none"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "rows.csv"]
