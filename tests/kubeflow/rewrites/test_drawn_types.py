"""Types that a UI draws, before and after."""

from __future__ import annotations

import pytest

from limbeck.kubeflow.rewrites.drawn_types import name_drawn_types
from tests.kubeflow.specs import changed, stock


@pytest.mark.parametrize("side", ["inputDefinitions", "outputDefinitions"])
def test_they_go_by_their_title_and_others_keep_their_schema(side: str):
    before = stock()
    artifacts = before["components"]["StatisticsGen"][side]["artifacts"]
    artifacts["report"] = {"artifactType": {"instanceSchema": "title: system.HTML\ntype: object\n"}}
    artifacts["mine"] = {"artifactType": {"instanceSchema": "title: systems.HTML\ntype: object\n"}}

    after = changed(name_drawn_types, before)

    artifacts["report"]["artifactType"] = {"schemaTitle": "system.HTML", "schemaVersion": "0.0.1"}
    assert after == before


def test_what_the_definition_says_besides_stays():
    before = stock()
    definition = {"artifactType": {"instanceSchema": "title: system.Metrics\n"}, "metadata": {"declared": 1}}
    before["components"]["ExampleGen"]["outputDefinitions"]["artifacts"]["figures"] = definition

    after = changed(name_drawn_types, before)

    assert after["components"]["ExampleGen"]["outputDefinitions"]["artifacts"]["figures"] == {
        "artifactType": {"schemaTitle": "system.Metrics", "schemaVersion": "0.0.1"},
        "metadata": {"declared": 1},
    }
