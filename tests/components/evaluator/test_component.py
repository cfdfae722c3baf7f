"""The Evaluator's cache key holds the code of our extractors, and AnomalyStop never comes from the cache."""

from pathlib import Path

import pytest

from limbeck import pipeline
from limbeck.cli import settings
from limbeck.components.graph.context import Storage
from limbeck.digests import sources
from limbeck.reference import find

pytestmark = pytest.mark.pipeline


def nodes(folder: Path) -> dict:
    ref = find("digits")
    storage = Storage(*(str(folder / name) for name in ("root", "serving", "data", "accepted")))
    graph = pipeline.create_pipeline(settings.load(ref, None, []), ref, storage, beam_flags=[])
    return {node.id: node for node in graph.components}


def test_an_edit_of_our_extractors_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # TFX's Evaluator takes a module and forgets its content: an edited extractor judged nothing anew.
    before = nodes(tmp_path)["Evaluator"].exec_properties["code_digest"]
    read = sources._read

    def edited(name: str, place: Path) -> object:
        if name != "limbeck.components.evaluator.evaluation":
            return read(name, place)
        source = place.read_bytes().replace(b"def labelled(", b"_EDITED = 1\n\n\ndef labelled(\n    *", 1)
        return sources.parse(source, name, False, str(place))

    monkeypatch.setattr(sources, "_read", edited)
    assert nodes(tmp_path)["Evaluator"].exec_properties["code_digest"] != before


def test_what_looks_at_the_accepted_state_says_so(tmp_path: Path):
    assert [name for name, node in nodes(tmp_path).items() if getattr(node, "NEVER_CACHED", False)] == [
        "AnomalyStop"
    ]
