"""The languages task from django's catalogues to the served student, on few sentences and in few passes."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow.dataset
import pytest
import tensorflow as tf

from limbeck.models import CONTROLS, STUDENT, TEACHER
from limbeck.tasks.languages import data
from limbeck.tasks.languages.selection import Sentence, divide, select
from limbeck.tasks.languages.translations import translations
from tests.integration.runs import run
from tests.trained import TRAINED

pytestmark = [pytest.mark.pipeline, pytest.mark.processes, pytest.mark.release]
# Of each language and split.
SENTENCES = {"train": 40, "validation": 4, "test": 6}


def few_sentences() -> list[Sentence]:
    taken: dict[tuple[str, str], list[Sentence]] = defaultdict(list)
    for split, sentences in divide(select(translations()).sentences).items():
        for one in sentences:
            if len(taken[split, one.language]) < SENTENCES[split]:
                taken[split, one.language].append(one)
    return [one for some in taken.values() for one in some]


def test_the_languages_task(tmp_path: Path):
    folder, root = tmp_path / "data", tmp_path / "root"
    folder.mkdir()
    data.write_sentences(folder, few_sentences())
    # It is not asked how good the student is: so few sentences say little about that.
    short = ("training.epochs=2", "teachers.epochs=3", "gate.tolerance=0.5", "distillation.search=false")
    done = run("languages", root, f"data.path={folder}", *short)

    assert done.code == 0, done.output
    report = done.report
    [judged] = (root / "pipeline" / "Predictor" / "predictions").iterdir()
    table = pyarrow.dataset.dataset([str(path) for path in judged.glob("test-*.parquet")]).to_table().to_pandas()
    assert set(table["model"]) == set(TRAINED)
    for name, rows in table.groupby("model"):
        assert len(rows) == SENTENCES["test"] * len(data.LANGUAGES)
        right = np.mean(rows["label"].to_numpy() == [int(np.argmax(one)) for one in rows["logits"]])
        assert report["models"][name]["metrics"]["accuracy"] == pytest.approx(right, abs=1e-9)
        # Guessing is right once in 85 times.
        assert right > 0.1, name
    weights = {name: report["models"][name]["parameters"] for name in TRAINED}
    assert {weights[name] for name in (STUDENT, *CONTROLS)} == {weights[STUDENT]}
    assert weights[STUDENT] < 0.6 * weights[TEACHER]

    # Scripts that one language has: even this student knows them. An empty text and unseen characters have an answer.
    model = tf.saved_model.load(str(root / "serving" / "1"))
    texts = ["Παρακαλώ διορθώστε τα σφάλματα", "אנא תקן את השגיאות", "กรุณาแก้ไขข้อผิดพลาด", "", "☃" * 50]
    said = model.signatures["serving_tensors"](text=tf.constant(texts))
    assert [data.LANGUAGES[index] for index in said["class"].numpy()[:3]] == ["el", "he", "th"]
    assert np.isfinite(said["logits"].numpy()).all()
