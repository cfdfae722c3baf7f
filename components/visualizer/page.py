"""The report's page, without the facts that are only known after the end of a run."""

from __future__ import annotations

import dataclasses
import functools

from limbeck.components.visualizer.settings import NAMES
from limbeck.report import html
from limbeck.report.schema import Report
from limbeck.report.sections import configuration


def page(report: Report) -> str:
    """Returns one self-contained HTML document, to be shown within a page of the cluster's UI."""
    # If the teacher is a model of another pipeline, our settings of teachers have no effect.
    names = [name for name in NAMES if not (report.given_teacher and name == "teachers")]
    known = functools.partial(configuration.view, only=names)
    sections = tuple(
        dataclasses.replace(one, view=known) if one.view is configuration.view else one for one in html.SECTIONS
    )
    return html.render(report, sections, contents=False)
