"""The page as the UI of Kubeflow Pipelines shows it: the source of a sandboxed iframe."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from limbeck.components.gate.decision import Decision
from limbeck.components.visualizer.assembly import report_of
from limbeck.components.visualizer.page import page
from limbeck.components.visualizer.settings import NAMES, decode, encode
from limbeck.report.verdicts import Verdicts
from tests.components.visualizer import left
from tests.report import browser
from tests.report.test_page_in_browser import find_or_give_up


def drawn(*, refused: bool = False, given_teacher: bool = False) -> str:
    report = left.sample(refused=refused)
    assert report.gate is not None
    assert report.findings is not None
    verdicts = Verdicts(report.gap_recovered, report.distillation_helped, report.against, report.against_teacher)
    config = decode(encode(report.config), controls=True)
    decision = Decision(report.gate.passed, report.gate.reasons, verdicts)
    measured, found = left.measured(report), report.findings
    return page(report_of("digits", config, measured, decision, found, given_teacher=given_teacher))


def test_a_refused_student_is_shown_with_the_reasons():
    shown = html.unescape(drawn(refused=True))

    assert "Refused: the student is not fit to serve" in shown
    for reason in left.sample(refused=True).gate.reasons:  # type: ignore[union-attr]
        assert reason in shown


def test_a_run_that_is_not_over_is_not_called_pushed():
    shown = drawn()

    assert "Passed: the student is fit to serve" in shown
    assert "Pushed" not in shown


def test_settings_that_the_node_was_not_told_are_not_shown():
    settings = re.findall(r'<th scope="row"><code>([a-z_.]+)</code>', drawn())

    assert {name.partition(".")[0] for name in settings} == set(NAMES)
    assert "training.epochs" in settings
    assert "training.steps_per_call" not in settings


def test_beside_someones_pipeline_nothing_is_said_of_the_training_of_teachers():
    ours, theirs = (drawn(refused=True, given_teacher=given) for given in (False, True))

    assert "teachers.epochs" in ours
    assert "teachers." not in theirs
    assert "Refused: the student is not fit to serve" in theirs


def test_no_link_is_left_which_would_lead_to_the_page_around_it():
    assert "<a " not in drawn()


@pytest.mark.processes
@pytest.mark.parametrize("sandbox", ["allow-scripts", "allow-scripts allow-same-origin"])
def test_it_is_whole_within_a_frame(tmp_path: Path, sandbox: str):
    around = tmp_path / "around.html"
    frame = f'<iframe sandbox="{sandbox}" srcdoc="{html.escape(drawn())}" width="900" height="800"></iframe>'
    around.write_text(f'<!DOCTYPE html><link rel="icon" href="data:,">{frame}', encoding="utf-8")

    with (
        browser.running(find_or_give_up(), tmp_path / "profile") as running,
        browser.visit(running, around, 1200) as seen,
    ):
        # The browser finds fault with the second sandbox, which is only there so that this test can look into it.
        assert [one for one in seen.complaints if "escape its sandboxing" not in one] == []
        assert [one for one in seen.requests if not one.startswith(("data:", "about:"))] == [around.as_uri()]
        if "same-origin" in sandbox:
            text = seen.tab.evaluate("document.querySelector('iframe').contentDocument.body.innerText")
            assert "Passed: the student is fit to serve" in text
            assert "Where the student falls behind" in text
