"""The report, for programs and for people."""

import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from limbeck.cli.local_run.run_folder import RunFolder
from limbeck.models import HARD_LABELS
from limbeck.rank_record import RankRecord
from limbeck.records import from_json
from limbeck.report import html, terminal
from limbeck.report.advice import advice
from limbeck.report.findings import Confusion, Findings, Slice, SoftTarget, ValidationFigures
from limbeck.report.schema import VERSION, GateReport, ModelReport, Outcome, Report, Stage, to_plain
from limbeck.report.verdicts import AcrossSeeds, Comparison, Helped, Interval, TestSplit
from limbeck.settings.config import Config
from limbeck.settings.data import DataConfig
from limbeck.settings.student import StudentConfig
from tests.cli import program
from tests.report import sample_report

HOSTILE = "<script>alert('1' & \"2\")</script>"
VOID = {"meta", "br", "hr", "img", "input", "link"}

BARE = Report(schema_version=VERSION, outcome=Outcome.FAILED, task="shapes", config=Config(), error="no reason")
WHOLE = Report(
    schema_version=VERSION,
    outcome=Outcome.PUSHED,
    task="shapes",
    config=Config(data=DataConfig(path="/data")),
    models={
        "teacher": ModelReport({"accuracy": 0.975, "log_loss": 0.125}, 1_234_567, 7_654_321, 1.25, 2.5, 1600),
        "student": ModelReport({"accuracy": 0.9375, "log_loss": 0.25}, 1210, 65_432, 0.125, 0.25, 1600),
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
REPORTS = [
    BARE,
    WHOLE,
    REFUSED,
    STOPPED,
    UNDEFINED,
    sample_report.whole(),
    sample_report.refused(),
    sample_report.failed(),
    sample_report.nasty(HOSTILE),
]
SECTIONS = [
    "quality",
    "learning",
    "confusions",
    "slices",
    "calibration",
    "softness",
    "work",
    "advice",
    "configuration",
]
FINDINGS = sample_report.whole().findings or Findings(())
MANY = (HOSTILE, *"abcdefghijklmnopqrstu")
STUDENT_BEHIND = {"teacher": 1.0, "student": 0.1}


def soft(target: SoftTarget) -> Findings:
    """Findings of two classes, the first of which is hostile."""
    return Findings((HOSTILE, "b"), soft_targets=(target,))


class Page(HTMLParser):
    """Reads a page; fails where its elements do not nest."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.ids: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attributes
        self.ids += [value or "" for name, value in attributes if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("report", REPORTS)
def test_a_report_survives_its_file(report: Report, tmp_path: Path):
    html.write(report, tmp_path / "report.json", tmp_path / "report.html")

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
        "examples": 1600,
    }
    assert plain["gate"] == {"passed": True, "reasons": []}
    sizes = {"input_bytes": None, "output_bytes": None, "workers": []}
    assert plain["stages"][0] == {"name": "SchemaGen", "seconds": 0.02, "cached": True} | sizes
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
    assert not [name for name, _ in parsed.attributes if name in ("src", "xlink:href") or name.startswith("on")]
    # Links lead to sections of the page alone.
    assert {value for name, value in parsed.attributes if name == "href"} <= {f"#{name}" for name in parsed.ids}
    assert not re.search(r"(https?:)?//[a-z]|@import|url\(", page)
    assert len(page.encode()) < 400_000


@pytest.mark.parametrize("report", REPORTS)
def test_the_page_can_be_read_aloud(report: Report):
    parsed = Page(html.render(report))

    assert len(parsed.ids) == len(set(parsed.ids))
    named = [value for name, value in parsed.attributes if name == "aria-labelledby"]
    assert {one for value in named for one in (value or "").split()} <= set(parsed.ids)
    # Each picture has a title and a description, or is mere ornament.
    pictures = parsed.tags.count("svg")
    ornaments = parsed.attributes.count(("aria-hidden", "true"))
    assert parsed.attributes.count(("role", "img")) == parsed.tags.count("desc") >= pictures - ornaments
    assert parsed.tags.count("h1") == 1
    assert not {"h3", "h4"} & set(parsed.tags)
    assert parsed.tags.count("caption") == parsed.tags.count("table")


def test_sections_come_in_their_order_and_without_data_are_left_out():
    def shown(report: Report) -> list[str]:
        return [name for name in Page(html.render(report)).ids if name in SECTIONS]

    assert shown(sample_report.whole()) == SECTIONS
    assert shown(WHOLE) == ["quality", "work", "configuration"]
    assert shown(sample_report.failed()) == ["work", "advice", "configuration"]
    assert shown(BARE) == ["advice", "configuration"]


def test_the_verdict_comes_first_with_its_key_figures():
    text = Page(html.render(sample_report.whole())).text.replace("\u00a0", " ")

    begin = text.index("Pushed: the student is fit to serve")
    places = [
        text.index(shown, begin) for shown in ("97.2 %", "21× smaller", "3.4× faster", "79 %", "Yes", "Quality")
    ]
    assert places == sorted(places)
    assert "2.0 points below the teacher’s 99.2 %" in text
    assert "95 % interval 58 % to 96 %" in text
    assert "+7.6 points beside hard labels; more than chance explains (p < 0.001)" in text


def test_a_student_that_is_larger_or_slower_is_called_so():
    swapped = {"teacher": WHOLE.models["student"], "student": WHOLE.models["teacher"]}
    text = Page(html.render(dataclasses.replace(WHOLE, models=swapped)))

    assert "117× larger" in text.text
    assert "10× slower" in text.text


@pytest.mark.parametrize(
    ("helped", "difference", "says"),
    [
        (Helped(True, 0.01), 0.05, "Yes"),
        (Helped(False, 0.4), 0.01, "Not shown"),
        (Helped(False, 0.4), -0.01, "Not shown"),
        (Helped(False, 0.01), -0.05, "No, it hurt"),
    ],
)
def test_whether_distillation_helped_is_said_plainly(helped: Helped, difference: float, says: str):
    against = {HARD_LABELS: Comparison(Interval(difference, -0.2, 0.2), helped.p_value)}
    report = dataclasses.replace(WHOLE, distillation_helped=helped, against=against)

    tile = re.search(r"Did distillation help\?</dt>\s*<dd class=\"value\">([^<]*)", html.render(report))

    assert tile is not None
    assert tile.group(1) == says
    (line,) = terminal.distillation(report)
    assert (" not " in line) == (says != "Yes")
    assert ("hurt" in line) == ("hurt" in says)


@pytest.mark.parametrize(
    ("gap", "why"),
    [(Interval(None, None, None), "not better"), (Interval(-6.02, None, None), "chance alone may explain")],
)
def test_without_a_gap_both_figures_are_told_and_no_share(gap: Interval, why: str):
    control = ModelReport({"accuracy": 0.971, "log_loss": 0.13}, 1210, 65_432, 0.125, 0.25, 1600)
    report = dataclasses.replace(WHOLE, models=WHOLE.models | {HARD_LABELS: control}, gap_recovered=gap)

    page = Page(html.render(report)).text.replace("\u00a0", " ")
    for told in (page, terminal.distillation(report)[0]):
        assert "o gap to recover" in told
        assert why in told
        assert "the teacher has 97.5 %, and the student on hard labels 97.1 %" in told
        assert "602" not in told
    assert "of the gap" not in page


def test_the_page_shows_all_that_is_known():
    text = Page(html.render(WHOLE)).text.replace("\u00a0", " ")

    for shown in ("97.50 %", "93.75 %", "0.1250", "1,234,567", "65,432", "0.125 ms", "19,100", "20.0", "cached"):
        assert shown in text
    assert "tfx 1.16.0" in text
    assert "distillation.temperature" in text
    assert "/runs/shapes/serving/1" in text


def test_figures_say_over_how_many_examples_they_are(capsys: pytest.CaptureFixture[str]):
    """An accuracy over the few examples that happened to have a label looked like any other."""
    text = Page(html.render(sample_report.whole())).text.replace("\u00a0", " ")
    terminal.show(WHOLE, Path("page"), Path("log"))

    assert "the teacher’s 99.2 %; 95 % sure: at most 4.0 points worse; 250 labelled test examples" in text
    assert "On these examples, the student is −2.0 points from its teacher" in text
    assert "in points of accuracy, over 250 labelled test examples" in text
    assert re.search(r"examples\s*accuracy", text)
    assert "task shapes, test split, 1,600 labelled examples" in " ".join(capsys.readouterr().out.split())


def test_a_report_from_before_examples_were_counted_can_be_shown(capsys: pytest.CaptureFixture[str]):
    plain = to_plain(sample_report.whole())
    for model in plain["models"].values():
        del model["examples"]
    del plain["against_teacher"]

    report = from_json(Report, json.dumps(plain))
    terminal.show(report, Path("page"), Path("log"))

    assert {model.examples for model in report.models.values()} == {None}
    assert Page(html.render(report)).text.count("unknown") == len(report.models)
    assert "task digits, test split" in map(str.strip, capsys.readouterr().out.splitlines())


@pytest.mark.parametrize(("report", "color"), [(WHOLE, "verdict pushed"), (REFUSED, "verdict refused")])
def test_the_outcome_is_marked(report: Report, color: str):
    assert ("class", color) in Page(html.render(report)).attributes


def test_figures_that_are_undefined_are_called_so():
    table = Page(html.render(UNDEFINED)).text.partition("Models, on the test split")[2].partition("What to try")[0]
    assert table.count("undefined") == 2
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
        dataclasses.replace(WHOLE, config=Config(student=StudentConfig(hyperparameters={HOSTILE: 1}))),
        dataclasses.replace(WHOLE, training={HOSTILE: WHOLE.training["teacher"]}),
        dataclasses.replace(WHOLE, against={HOSTILE: Comparison(Interval(0.1, 0.0, 0.2), 0.5)}),
        dataclasses.replace(WHOLE, serving=HOSTILE),
        sample_report.nasty(HOSTILE),
        *(
            dataclasses.replace(WHOLE, findings=findings)
            for findings in (
                Findings((), curves={HOSTILE: FINDINGS.curves["student"]}),
                Findings(
                    (),
                    curves={"student": FINDINGS.curves["student"]},
                    validation={HOSTILE: (ValidationFigures(1, 1, {HOSTILE: 1.0}),)},
                ),
                Findings((), reliability={HOSTILE: FINDINGS.reliability["student"]}),
                Findings((), confusion={"student": Confusion((HOSTILE, "b"), ((1, 1), (0, 1)))}),
                Findings((), confusion={"student": Confusion(MANY, ((1, 2, *[0] * 20),) * 22)}),
                Findings((), slices=(Slice({HOSTILE: "1"}, 40, STUDENT_BEHIND),)),
                Findings((), slices=(Slice({"1": HOSTILE}, 40, STUDENT_BEHIND),)),
                soft(SoftTarget("1", HOSTILE, ((1.0, 0.0),))),
                soft(SoftTarget("1", "b", ((1.0, 0.0),), inputs={HOSTILE: "1"})),
                soft(SoftTarget("1", "b", ((1.0, 0.0),), inputs={"1": HOSTILE})),
            )
        ),
    ],
)
def test_what_others_wrote_stays_text(report: Report):
    page = html.render(report)
    parsed = Page(page)

    assert "script" not in parsed.tags
    assert "<script" not in page
    # As it was given, wherever it is shown; among the settings, as JSON.
    assert HOSTILE in parsed.text or json.dumps(HOSTILE) in parsed.text


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
    html.write(report, folder.report_json, folder.report_html)
    folder.report_html.unlink()

    done = program.run("report", folder.root)

    assert (done.returncode, done.stderr) == (0, "")
    for line in [*terminal.verdict(report), *terminal.distillation(report), f"report: {folder.report_html}"]:
        assert f"{line}\n" in done.stdout
    advised = [f"  - {text.replace('`', '')}\n" in done.stdout for text in advice(report)]
    assert all(advised) if report.outcome is Outcome.REFUSED else not any(advised)
    assert (f"log: {folder.log}" in done.stdout) == (report.outcome is Outcome.FAILED)
    for name, model in report.models.items():
        # Beside the name, or below it if there is no room.
        assert re.search(rf"{re.escape(name[:7])}[\s\S]*\b{model.latency_ms_p50:.3f}\b", done.stdout)
    assert folder.report_html.read_text(encoding="utf-8") == html.render(report)


@pytest.mark.parametrize(("judged", "said"), [
    (1, "this student is the first that was judged on this test split"),
    (1_200, "1,200 students have been judged on this test split: the best of them is better on it than elsewhere, so "
            "choose by the validation split"),
])  # fmt: skip
def test_the_page_and_the_terminal_say_how_often_the_test_split_was_looked_at(
    judged: int, said: str, capsys: pytest.CaptureFixture[str]
):
    report = dataclasses.replace(sample_report.whole(), test_split=TestSplit("abc", judged))
    terminal.show(report, Path("page"), Path("log"))

    assert f"\n{said}\n" in capsys.readouterr().out
    assert f"{said[0].upper()}{said[1:]}." in " ".join(Page(html.render(report)).text.split())
    assert to_plain(report)["test_split"] == {"digest": "abc", "judged": judged}


def test_where_nobody_kept_count_nothing_is_said(capsys: pytest.CaptureFixture[str]):
    terminal.show(sample_report.whole(), Path("page"), Path("log"))

    assert "judged on this test split" not in capsys.readouterr().out + html.render(sample_report.whole())


def test_the_page_calls_a_comparison_of_one_pair_of_models_one():
    text = Page(html.render(sample_report.whole())).text

    said = (
        "ach comparison with a control is of one pair of models, from one seed: it says nothing about other seeds"
    )
    assert f"E{said}" in " ".join(text.split())
    # Where nothing was compared, nothing is said.
    assert "one pair" not in html.render(sample_report.failed())


def test_several_seeds_have_a_sentence_for_each_control(capsys: pytest.CaptureFixture[str]):
    across = AcrossSeeds(
        3,
        {"student_hard_labels": Comparison(Interval(0.05, 0.02, 0.08), 0.004),
         "student_pseudo_labels": Comparison(Interval(0.01, -0.04, 0.06), 0.4)},
        {"student_hard_labels": (0.04, 0.05, 0.06), "student_pseudo_labels": (0.0, 0.05, -0.02)},
    )  # fmt: skip
    report = dataclasses.replace(sample_report.whole(), across_seeds=across)
    terminal.show(report, Path("page"), Path("log"))

    expected = (
        "over 3 seeds, the student is +5.0 points from the student on hard labels (95 % interval +2.0 to +8.0 for "
        "other seeds and other examples, p = 0.004; one by one +4.0, +5.0, +6.0): better",
        "over 3 seeds, the student is +1.0 points from the student on pseudo-labels (95 % interval −4.0 to +6.0 for "
        "other seeds and other examples, p = 0.4; one by one 0.0, +5.0, −2.0): no difference shown",
    )
    lines = capsys.readouterr().out.split("\n")
    text = " ".join(Page(html.render(report)).text.replace("\u00a0", " ").split())
    for sentence in expected:
        assert sentence in lines
        assert f"O{sentence[1:]}." in text
    assert "one pair" not in text
    assert from_json(Report, json.dumps(to_plain(report))) == report
