"""What TFMA computes for each kind of label, against scikit-learn, on tables of labels and predictions."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import tensorflow_model_analysis as tfma
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score, roc_auc_score

from limbeck.components.evaluator.evaluation import EncodedLabel, evaluation_config, labelled
from limbeck.components.reporter.slices import figures_of
from limbeck.records import to_json
from tests.integration.kinds import diabetes, findings, tumours

pytestmark = pytest.mark.long

EXAMPLES = 300
# All of a slice have the same label.
PURE = "pure"


def evaluated(task: Any, labels: np.ndarray, predictions: np.ndarray) -> tuple[np.ndarray, Any]:
    """What TFMA computes by the metrics of a task, by slice. Returns also which example is in the pure slice."""
    config = evaluation_config(task)
    del config.model_specs[:], config.slicing_specs[:]
    config.model_specs.append(tfma.ModelSpec(label_key="y", prediction_key="p"))
    config.slicing_specs.extend([tfma.SlicingSpec(), tfma.SlicingSpec(feature_keys=["part"])])
    pure = np.arange(EXAMPLES) >= EXAMPLES - 10
    labels[pure] = labels[-1]
    table = pd.DataFrame({"y": list(labels), "p": list(predictions), "part": np.where(pure, PURE, "mixed")})
    return pure, tfma.analyze_raw_data(table, config)


@pytest.fixture(scope="module")
def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def test_binary(generator: np.random.Generator):
    labels = (generator.random(EXAMPLES) < 0.3).astype(np.float32)
    probability = (1 / (1 + np.exp(-(generator.normal(size=EXAMPLES) + 2 * labels - 1)))).astype(np.float32)
    pure, result = evaluated(tumours.TASK, labels, probability)
    wanted = tumours.TASK.objective.tfma

    metrics = result.get_metrics_for_all_slices()
    found = figures_of([metrics], "auc", wanted.defined_by)

    assert found[()] == pytest.approx(roc_auc_score(labels, probability), abs=1e-3)
    mixed = (("part", "mixed"),)
    assert found[mixed] == pytest.approx(roc_auc_score(labels[~pure], probability[~pure]), abs=1e-3)
    # TFMA's own figure, which would seem a disaster.
    assert metrics[(("part", PURE),)]["auc"]["doubleValue"] == 0.0
    assert found[(("part", PURE),)] is None
    accuracy = metrics[()]["binary_accuracy"]["doubleValue"]
    assert accuracy == pytest.approx(np.mean((probability > 0.5) == labels), abs=1e-6)


def test_regression(generator: np.random.Generator):
    labels = (150 + 70 * generator.normal(size=EXAMPLES)).astype(np.float32)
    values = (labels + 40 * generator.normal(size=EXAMPLES)).astype(np.float32)
    pure, result = evaluated(diabetes.TASK, labels, values)

    metrics = result.get_metrics_for_all_slices()
    found = figures_of([metrics], "r_squared", None)

    assert found[()] == pytest.approx(r2_score(labels, values), rel=1e-5)
    assert found[(("part", "mixed"),)] == pytest.approx(r2_score(labels[~pure], values[~pure]), rel=1e-5)
    assert found[(("part", PURE),)] is None
    error, absolute = (metrics[()][name]["doubleValue"] for name in ("mean_squared_error", "mean_absolute_error"))
    assert error == pytest.approx(mean_squared_error(labels, values), rel=1e-4)
    assert absolute == pytest.approx(mean_absolute_error(labels, values), rel=1e-4)


def test_multi_label(generator: np.random.Generator):
    labels = (generator.random([EXAMPLES, 3]) < [0.2, 0.5, 0.7]).astype(np.float32)
    probability = (1 / (1 + np.exp(-(generator.normal(size=[EXAMPLES, 3]) + 2 * labels - 1)))).astype(np.float32)
    labels[EXAMPLES - 20 : EXAMPLES - 10, 0] = 0
    pure, result = evaluated(findings.TASK, labels, probability)
    wanted = findings.TASK.objective.tfma

    parts = [result.get_metrics_for_all_slices(class_id=number) for number in range(3)]
    found = figures_of(parts, "auc", wanted.defined_by)

    assert found[()] == pytest.approx(roc_auc_score(labels, probability), abs=1e-3)
    assert found[(("part", "mixed"),)] == pytest.approx(roc_auc_score(labels[~pure], probability[~pure]), abs=1e-3)
    assert found[(("part", PURE),)] is None


def test_multi_label_with_gaps(generator: np.random.Generator):
    """TFMA takes a label that is missing for a no."""
    labels = (generator.random([EXAMPLES, 3]) < [0.2, 0.5, 0.7]).astype(np.float32)
    probability = (1 / (1 + np.exp(-(generator.normal(size=[EXAMPLES, 3]) + 2 * labels - 1)))).astype(np.float32)
    given = generator.random([EXAMPLES, 3]) < 0.6
    given[:, 0] |= ~given.any(axis=1)
    _, result = evaluated(findings.TASK, np.where(given, labels, -1).astype(np.float32), probability.copy())
    given[-10:], labels[-10:] = given[-1], labels[-1]

    parts = [result.get_metrics_for_all_slices(class_id=number) for number in range(3)]
    found = figures_of(parts, "auc", findings.TASK.objective.tfma.defined_by)
    whole = result.get_metrics_for_all_slices()[()]

    of_columns = [roc_auc_score(labels[has, at], probability[has, at]) for at, has in enumerate(given.T)]
    assert found[()] == pytest.approx(np.mean(of_columns), abs=2e-3)
    for at, has in enumerate(given.T):
        prevalence = parts[at][()]["prevalence"]["doubleValue"]
        assert prevalence == pytest.approx(labels[has, at].mean(), abs=1e-6)
    right = ((probability > 0.5) == (labels == 1))[given]
    assert whole["binary_accuracy"]["doubleValue"] == pytest.approx(right.mean(), abs=1e-6)
    assert whole["example_count"]["doubleValue"] == EXAMPLES


def test_a_label_that_some_outputs_lack_in_a_slice_leaves_their_area_out():
    def metrics(area: float, prevalence: float) -> Any:
        return {(): {"auc": {"doubleValue": area}, "prevalence": {"doubleValue": prevalence}}}

    assert figures_of([metrics(0.8, 0.5), metrics(0.0, 0.0), metrics(0.6, 0.1)], "auc", "prevalence") == {
        (): pytest.approx(0.7)
    }
    assert figures_of([metrics(math.nan, 0.5)], "auc", "prevalence") == {(): None}


@pytest.mark.parametrize(
    ("encoded", "columns", "kept", "numbers"),
    [
        (EncodedLabel(("t",), ("no", "yes")), {"t": [[b"yes"], None, [b"no"], []]}, [0, 2], [[1.0], [0.0]]),
        (EncodedLabel(("n",)), {"n": [[0], [1], None, [1]]}, [0, 1, 3], [[0.0], [1.0], [1.0]]),
        (EncodedLabel(("b", "a")), {"a": [[1], [0], None, [1]], "b": [[0], None, [1], [1]]}, [0, 3],
         [[0.0, 1.0], [1.0, 1.0]]),
        (EncodedLabel(("a", "absent")), {"a": [[1], [0], [1], [1]]}, [], None),
        (EncodedLabel(("b", "a"), unlabelled=-1.0), {"a": [[1], [0], None, None], "b": [[0], None, [1], []]},
         [0, 1, 2], [[0.0, 1.0], [-1.0, 0.0], [1.0, -1.0]]),
        (EncodedLabel(("a", "absent"), unlabelled=-1.0), {"a": [None, [0], None, [1]]}, [1, 3],
         [[0.0, -1.0], [1.0, -1.0]]),
    ],
    ids=["texts", "integers", "columns", "a column is missing", "gaps", "a column of gaps"],
)  # fmt: skip
def test_a_label_becomes_numbers(encoded: EncodedLabel, columns: dict[str, Any], kept: list[int], numbers: Any):
    name = to_json(encoded)
    batch = pa.RecordBatch.from_pydict({**columns, "row": [[number] for number in range(4)]})

    found = labelled(batch, name)

    assert found["row"].to_pylist() == [[number] for number in kept]
    if numbers is not None:
        assert found[name].to_pylist() == numbers
        assert found[name].type == pa.list_(pa.float32())
