"""The report, for programs and for people."""

import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cli.report import html, terminal
from cli.report.schema import VERSION, GateReport, ModelReport, Outcome, Report, Stage, to_plain
from cli.run_folder import RunFolder
from tests.cli import program
from trainer.config import Config, DataConfig, from_json
from trainer.job import RankRecord

HOSTILE = "<script>alert('1' & \"2\")</script>"
VOID = {"meta", "br", "hr", "img", "input", "link"}

BARE = Report(schema_version=VERSION, outcome=Outcome.FAILED, task="shapes", config=Config(), error="no reason")
WHOLE = Report(
    schema_version=VERSION,
    outcome=Outcome.PUSHED,
    task="shapes",
    config=Config(data=DataConfig(path="/data")),
    models={
        "teacher": ModelReport({"accuracy": 0.975, "log_loss": 0.125}, 1_234_567, 7_654_321, 1.25, 2.5),
        "student": ModelReport({"accuracy": 0.9375, "log_loss": 0.25}, 1210, 65_432, 0.125, 0.25),
    },
    training={"teacher": (RankRecord("chief", 0, 600, 19_200, 12.5), RankRecord("worker", 1, 600, 19_100, 12.4))},
    gate=GateReport(passed=True, reasons=()),
    serving="/runs/shapes/serving/1",
    stages=(Stage("SchemaGen", 0.02, True), Stage("TeacherTrainer", 20.0, False), Stage("Distiller", 5.0, False)),
    versions={"python": "3.10.13", "tfx": "1.16.0"},
)
REFUSED = dataclasses.replace(
    WHOLE, outcome=Outcome.REFUSED, serving=None, gate=GateReport(passed=False, reasons=("too large", "too slow"))
)
STOPPED = dataclasses.replace(BARE, outcome=Outcome.STOPPED, error="the run was stopped by SIGINT")
UNDEFINED = dataclasses.replace(
    REFUSED, models={"student": ModelReport({"accuracy": None, "log_loss": None}, 1, 2, 0.5, 0.5)}
)
REPORTS = [BARE, WHOLE, REFUSED, STOPPED, UNDEFINED]


class Page(HTMLParser):
    """Reads a page; fails where its elements do not nest."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("report", REPORTS)
def test_a_report_survives_its_file(report: Report, tmp_path: Path):
    html.write(report, RunFolder(tmp_path))

    text = (tmp_path / "report.json").read_text(encoding="utf-8")
    assert from_json(Report, text) == report
    assert json.loads(text) == to_plain(report)
    assert {path.name for path in tmp_path.iterdir()} == {"report.json", "report.html"}


def test_the_keys_that_programs_rely_on():
    plain = to_plain(WHOLE)

    assert plain["schema_version"] == 1
    assert plain["outcome"] == "pushed"
    assert plain["models"]["student"] == {
        "metrics": {"accuracy": 0.9375, "log_loss": 0.25},
        "parameters": 1210,
        "bytes": 65_432,
        "latency_ms_p50": 0.125,
        "latency_ms_p99": 0.25,
    }
    assert plain["gate"] == {"passed": True, "reasons": []}
    assert plain["stages"][0] == {"name": "SchemaGen", "seconds": 0.02, "cached": True}
    assert plain["training"]["teacher"][1]["rank"] == 1
    assert plain["config"]["data"]["path"] == "/data"
    assert next(iter(plain)) == "schema_version"


def test_what_a_run_did_not_reach_is_empty_or_null():
    plain = to_plain(BARE)

    assert (plain["models"], plain["training"], plain["stages"]) == ({}, {}, [])
    assert (plain["gate"], plain["serving"]) == (None, None)


@pytest.mark.parametrize("report", REPORTS)
def test_the_page_is_well_formed_and_complete_in_itself(report: Report):
    page = html.render(report)
    parsed = Page(page)

    assert page.startswith("<!DOCTYPE html>")
    assert {"html", "head", "title", "body", "style"} <= set(parsed.tags)
    assert not {"script", "link", "img", "iframe"} & set(parsed.tags)
    assert not [name for name, _ in parsed.attributes if name in ("src", "href") or name.startswith("on")]
    assert not re.search(r"(https?:)?//[a-z]|@import|url\(", page)


def test_the_page_shows_all_that_is_known():
    text = Page(html.render(WHOLE)).text

    for shown in ("97.50 %", "93.75 %", "0.1250", "1,234,567", "65,432", "0.125 ms", "19,100", "20.0", "cached"):
        assert shown in text
    assert "tfx 1.16.0" in text
    assert '"temperature"' in text
    assert "/runs/shapes/serving/1" in text


@pytest.mark.parametrize(("report", "color"), [(WHOLE, "verdict pushed"), (REFUSED, "verdict refused")])
def test_the_outcome_is_marked(report: Report, color: str):
    assert ("class", color) in Page(html.render(report)).attributes


def test_figures_that_are_undefined_are_called_so():
    assert Page(html.render(UNDEFINED)).text.count("undefined") == 2
    assert "undefined" not in Page(html.render(WHOLE)).text


@pytest.mark.parametrize(
    "report",
    [
        dataclasses.replace(BARE, task=HOSTILE),
        dataclasses.replace(BARE, error=HOSTILE),
        dataclasses.replace(REFUSED, gate=GateReport(passed=False, reasons=(HOSTILE,))),
        dataclasses.replace(WHOLE, models={HOSTILE: WHOLE.models["student"]}),
        dataclasses.replace(WHOLE, stages=(Stage(HOSTILE, 1.0, False),)),
        dataclasses.replace(WHOLE, versions={"tfx": HOSTILE}),
        dataclasses.replace(WHOLE, config=Config(data=DataConfig(path=HOSTILE))),
    ],
)
def test_what_others_wrote_stays_text(report: Report):
    page = html.render(report)
    parsed = Page(page)

    assert "script" not in parsed.tags
    assert "<script" not in page
    assert "alert(" in parsed.text


@pytest.mark.parametrize(
    ("report", "says"),
    [
        (WHOLE, ["the student passed its gate and is served from /runs/shapes/serving/1"]),
        (REFUSED, ["the gate refused the student; nothing was pushed:", "  - too large", "  - too slow"]),
        (STOPPED, ["the run was stopped; start it again, and what was finished comes from the cache"]),
        (BARE, ["the run failed: no reason"]),
    ],
)
def test_the_verdict_in_plain_words(report: Report, says: list[str]):
    assert terminal.verdict(report) == says


@pytest.mark.parametrize("report", REPORTS)
def test_the_verb_shows_a_finished_run_and_rebuilds_its_page(report: Report, tmp_path: Path):
    # Brackets, because the library that prints takes some for markup.
    folder = RunFolder(tmp_path / "runs [bold] [/bold]")
    folder.root.mkdir(parents=True)
    html.write(report, folder)
    folder.report_html.unlink()

    done = program.run("report", folder.root)

    assert (done.returncode, done.stderr) == (0, "")
    for line in [*terminal.verdict(report), f"report: {folder.report_html}"]:
        assert line in done.stdout.splitlines()
    assert (f"log: {folder.log}" in done.stdout) == (report.outcome is Outcome.FAILED)
    for name in report.models:
        assert re.search(rf"{name}\b.*\b0\.\d+ ms|{name}\b.*\b1\.250 ms", done.stdout)
    assert folder.report_html.read_text(encoding="utf-8") == html.render(report)
