"""What the report says of runs that ended in different ways, read from real ML Metadata stores."""

import json
from pathlib import Path

import pytest

from limbeck import events, files
from limbeck.cli import exit_codes
from limbeck.cli.local_run.collect import collect, read_events
from limbeck.cli.local_run.dag_runner import ObservedDagRunner
from limbeck.cli.local_run.run_folder import Request, RunFolder
from limbeck.errors import DataError
from limbeck.moved import Moved
from limbeck.reference import TaskRef
from limbeck.report import html, terminal
from limbeck.report.schema import Outcome
from limbeck.settings.config import Config
from limbeck.settings.gate import GateConfig
from tests.cli import tiny

REQUEST = Request(TaskRef("tasks.shapes"), Config(gate=GateConfig(tolerance=0.25)))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    made = RunFolder(tmp_path)
    made.prepare(REQUEST)
    monkeypatch.setenv(events.ENVIRONMENT, str(made.events))
    return made


def test_a_run_that_pushed(folder: RunFolder):
    """The version that is served is the newest one, by number and not by name."""
    ObservedDagRunner().run(tiny.judging(folder.root, reason="", label=1))
    for version in ("9", "10"):
        (folder.serving / version).mkdir(parents=True)

    report = collect(folder, exit_codes.DONE)

    assert (report.outcome, report.task, report.config) == (Outcome.PUSHED, "shapes", REQUEST.config)
    assert report.error is None
    assert report.serving == str(folder.serving / "10")
    assert report.models["student"].metrics["accuracy"] == 1.0
    assert report.models["teacher"].metrics["accuracy"] == 0.0
    assert {model.examples for model in report.models.values()} == {1}
    assert (report.models["student"].parameters, report.models["student"].bytes) == (7, 800)
    assert {stage.name for stage in report.stages} >= {"ExampleGen", "Predictor", "Gate", "Pusher"}
    by_name = {stage.name: stage for stage in report.stages}
    on_disk = [
        path.stat().st_size for path in Path(folder.root).glob("pipeline/Predictor/*/*/**/*") if path.is_file()
    ]
    assert by_name["Predictor"].output_bytes == sum(on_disk) > 0
    assert by_name["ExampleGen"].input_bytes == 0
    assert by_name["ExampleGen"].workers == (Moved("node-3:81", 5, 0), Moved("node-4:7", 5, 9))
    assert {model: records[0].steps for model, records in report.training.items()} == {
        "student": 30,
        "student_hard_labels": 31,
    }
    assert report.gap_recovered == tiny.VERDICTS.gap_recovered
    assert report.distillation_helped == tiny.VERDICTS.distillation_helped
    assert report.against == tiny.VERDICTS.against
    assert report.findings == tiny.FINDINGS
    assert not any(stage.cached for stage in report.stages)
    assert report.versions["tfx"].startswith("1.16")


def test_a_run_out_of_the_cache_reports_the_same_result(folder: RunFolder):
    ObservedDagRunner().run(tiny.judging(folder.root, reason="", label=1))
    first = collect(folder, exit_codes.DONE)
    folder.prepare(REQUEST)
    ObservedDagRunner().run(tiny.judging(folder.root, reason="", label=1))
    for student in ("first", "second", "third"):
        files.write_bytes(f"{folder.looks}/{tiny.TEST_SPLIT.digest}/{student}", b"")
    second = collect(folder, exit_codes.DONE)

    # The gate knew of one student then, and two were judged since.
    assert [one.test_split and one.test_split.judged for one in (first, second)] == [1, 3]
    assert all(stage.cached for stage in second.stages)
    assert (second.models, second.gate, second.serving) == (first.models, first.gate, first.serving)


def test_a_run_that_the_gate_refused(folder: RunFolder):
    ObservedDagRunner().run(tiny.judging(folder.root, reason="too large", label=1))

    report = collect(folder, exit_codes.DONE)

    assert report.outcome is Outcome.REFUSED
    assert report.gate is not None and report.gate.reasons == ("too large",)


def test_a_run_without_labels_in_its_test_split_can_be_reported(
    folder: RunFolder, capsys: pytest.CaptureFixture[str]
):
    ObservedDagRunner().run(tiny.judging(folder.root, reason="no labels", label=-1))
    report = collect(folder, exit_codes.DONE)
    html.write(report, folder.report_json, folder.report_html)
    terminal.show(report, folder.report_html, folder.log)

    plain = json.loads(folder.report_json.read_text(encoding="utf-8"))
    assert plain["models"]["student"]["metrics"] == {"accuracy": None, "log_loss": None}
    assert "undefined" in capsys.readouterr().out


def test_a_run_that_failed_tells_the_error_and_how_far_it_came(folder: RunFolder):
    with pytest.raises(DataError) as caught:
        ObservedDagRunner().run(tiny.refusing(folder.root))
    events.emit("failed", user=True, message=str(caught.value))

    report = collect(folder, exit_codes.USER_MISTAKE)

    assert report.outcome is Outcome.FAILED
    assert report.error == str(caught.value)
    assert [stage.name for stage in report.stages] == ["produce", "refuse"]
    assert (report.models, report.gate, report.serving) == ({}, None, None)


def test_a_process_that_died_without_a_word_is_reported_by_its_signal(folder: RunFolder):
    report = collect(folder, -9)

    assert report.outcome is Outcome.FAILED
    assert report.error is not None and "was killed by SIGKILL" in report.error
    assert report.stages == ()


@pytest.mark.parametrize("code", [exit_codes.INTERRUPTED, exit_codes.TERMINATED])
def test_a_stopped_run_does_not_show_the_result_of_the_one_before(folder: RunFolder, code: int):
    ObservedDagRunner().run(tiny.judging(folder.root, reason="", label=1))
    folder.prepare(REQUEST)

    report = collect(folder, code)

    assert report.outcome is Outcome.STOPPED
    assert (report.models, report.stages, report.gate) == ({}, (), None)


def test_a_line_that_its_process_did_not_finish_is_left_out(tmp_path: Path):
    path = tmp_path / "events.jsonl"
    path.write_text('{"event": "pipeline"}\n{"event": "node_sta', encoding="utf-8")

    assert read_events(path) == [{"event": "pipeline"}]
    assert read_events(tmp_path / "none.jsonl") == []
