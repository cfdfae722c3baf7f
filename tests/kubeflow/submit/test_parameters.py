"""Parameters of a run, by the kinds that the pipeline declares."""

from __future__ import annotations

import pytest

from limbeck.errors import ConfigError
from limbeck.kubeflow.submit.document import Document, read
from limbeck.kubeflow.submit.parameters import checked
from tests.kubeflow.submit import compiled


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Document:
    return read(compiled.write(tmp_path_factory.mktemp("p"), "kubeflow"))


def test_a_text_is_read_as_the_kind_that_is_declared(document: Document) -> None:
    given = ["training.epochs=7", "distillation_alpha=1e-3", "gate_strict=False", "data.path=gs://a/b=c"]
    assert checked(document, {}, given) == {
        "training_epochs": 7,
        "distillation_alpha": 0.001,
        "gate_strict": False,
        "data_path": "gs://a/b=c",
    }


def test_a_text_that_looks_like_a_number_stays_a_text(document: Document) -> None:
    assert checked(document, {}, ["data_path=7"]) == {"data_path": "7"}


def test_assignments_count_more_than_the_document(document: Document) -> None:
    assert checked(document, {"training_epochs": 1}, ["training_epochs=2"]) == {"training_epochs": 2}


def test_a_whole_number_may_come_as_a_double(document: Document) -> None:
    assert checked(document, {"training_epochs": 3.0}, []) == {"training_epochs": 3.0}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"training_epochs": 1.5}, "is a whole number, received 1.5"),
        ({"training_epochs": True}, "training_epochs is NUMBER_INTEGER, received True"),
        ({"data_path": None}, "data_path is STRING"),
        ({"nothing": 1}, "the pipeline has no parameter nothing; it has data_path"),
    ],
)
def test_a_mistake_is_a_sentence(document: Document, given: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        checked(document, given, [])
    assert told in str(caught.value)
