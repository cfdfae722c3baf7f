"""The task of docs/deep-models.md: masked sequences, metrics of its own, and a student that begins with its teacher."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from docs.examples import sentences
from limbeck.models import CONTROLS, MODELS, STUDENT, TEACHER
from tests.integration.runs import PROJECT, run

pytestmark = [pytest.mark.pipeline, pytest.mark.processes, pytest.mark.release]
TASK = str(PROJECT / "docs" / "examples" / "sentences.py")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deep") / "root"
    done = run(TASK, folder, "search.budget=2")
    assert done.code == 0, done.output
    return folder


def node(name: str) -> str:
    return MODELS[name].node


def weights(root: Path, name: str) -> list[np.ndarray]:
    """The weights of the exported model, of its first member."""
    [folder] = (root / "pipeline" / node(name) / "model").iterdir()
    return [one.numpy() for one in tf.saved_model.load(str(folder / "Format-Serving")).weights[0]]


def test_the_report_shows_the_metric_of_each_model(root: Path):
    report = json.loads((root / "report.json").read_text(encoding="utf-8"))
    shown = report["findings"]["validation"]
    assert set(shown) == {TEACHER, STUDENT, *CONTROLS}
    for [figures] in shown.values():
        assert set(figures["metrics"]) == {"log_loss", "accuracy", "top_3"}
        assert figures["metrics"]["accuracy"] <= figures["metrics"]["top_3"] <= 1
    assert ">top_3</th>" in (root / "report.html").read_text(encoding="utf-8")


def test_every_student_begins_near_its_teacher(root: Path):
    """A model that began with numbers of its own would be as far from the teacher as the teacher's other blocks are."""
    embedding = weights(root, TEACHER)[0]
    fresh = sentences.build_student({}).get_layer("embedding").get_weights()[0]
    for name in (STUDENT, *CONTROLS):
        moved = np.linalg.norm(weights(root, name)[0] - embedding)
        assert moved < np.linalg.norm(fresh - embedding)


def test_padding_changes_no_answer(root: Path):
    model = tf.saved_model.load(str(root / "serving" / "1"))
    words = "r1c2 r1c3 r2c2 r3c2 r4c2 r5c2 r6c3"
    alone, among = (
        model.signatures["serving_tensors"](sentence=tf.constant(some))["logits"].numpy()[0]
        for some in ([words], [words, "r0c3 " * 30, ""])
    )
    np.testing.assert_allclose(alone, among, rtol=0, atol=1e-5)
    assert np.isfinite(alone).all()
