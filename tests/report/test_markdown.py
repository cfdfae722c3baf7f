"""The verdict in Markdown."""

from __future__ import annotations

import dataclasses
import re

import pytest

from limbeck.report import markdown
from limbeck.report.advice import advice
from limbeck.report.schema import VERSION, Outcome, Report
from limbeck.settings.config import Config
from tests.report import sample_report

HOSTILE = "<script>alert('1')</script> | **bold** [link](https://x) # _it_ `code"
PASSED = dataclasses.replace(sample_report.whole(), outcome=Outcome.PASSED, serving=None)


def plain(text: str) -> str:
    """Markdown without its escapes."""
    return re.sub(r"\\([^0-9A-Za-z\s])", r"\1", text)


def test_the_verdict_comes_first_then_models_gain_and_advice():
    text = plain(markdown.render(PASSED))

    parts = (
        "## ✓ Passed: the student is fit to serve",
        "The student passed its gate",
        "| teacher | 99.2 % | 191,410 |",
        "| student | 97.2 % | 2,410 | 71.3 kB | 0.121 ms |",
        "| student on hard labels |",
        "- 79 % of the gap",
        "- distillation helped",
        "### What to try next",
    )
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_a_refused_student_has_the_reasons_of_the_gate_and_what_to_try():
    report = sample_report.refused()
    text = plain(markdown.render(report))

    assert report.gate is not None
    assert "## ✕ Refused" in text
    for line in (*report.gate.reasons, *advice(report)):
        assert f"\n- {' '.join(line.split())}\n" in text


def test_advice_can_be_copied():
    # An escape within code would be copied with it.
    assert "`--set gate.max_bytes=71322`" in markdown.render(sample_report.refused())


@pytest.mark.parametrize("report", [sample_report.nasty(HOSTILE), sample_report.failed()])
def test_what_others_wrote_stays_text_on_its_line(report: Report):
    text = markdown.render(report)
    outside = re.sub(r"`[^`\n]*`", "", text)

    assert not re.search(r"(?<!\\)<", outside)
    assert not re.search(r"(?<!\\)\[", outside)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} <= {6}
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert len(headings) <= 2


def test_without_models_there_is_no_table():
    report = Report(schema_version=VERSION, outcome=Outcome.FAILED, task="x", config=Config(), error="no reason")
    assert "|" not in markdown.render(report)
    assert "no reason" in markdown.render(report)
