"""What TFMA is asked to evaluate."""

import math
from pathlib import Path

import pyarrow as pa
import pytest
from tensorflow_model_analysis.utils import config_util

from limbeck.components.evaluator.evaluation import evaluation_config, labelled
from limbeck.components.reporter import slices
from tests.components.reporter import evaluations
from tests.components.shapes import TASK
from tests.components.world import World

pytestmark = pytest.mark.long


def test_tfma_accepts_it():
    config_util.verify_eval_config(evaluation_config(TASK))
    config_util.verify_eval_config(evaluation_config(TASK), baseline_required=True)


def test_the_student_is_compared_with_the_teachers_on_probabilities():
    candidate, baseline = evaluation_config(TASK).model_specs

    assert (candidate.name, candidate.is_baseline) == ("candidate", False)
    assert (baseline.name, baseline.is_baseline) == ("baseline", True)
    for model in (candidate, baseline):
        assert (model.signature_name, model.prediction_key) == ("serving_default", "probabilities")
        assert model.label_key == "kind"


def test_it_slices_overall_and_by_what_the_task_says():
    slices = evaluation_config(TASK).slicing_specs

    assert [list(one.feature_keys) for one in slices] == [[], ["colour"], ["colour", "kind"]]


def test_metrics_set_no_thresholds():
    [spec] = evaluation_config(TASK).metrics_specs

    names = [metric.class_name for metric in spec.metrics]
    assert names == ["ExampleCount", "SparseCategoricalAccuracy", "SparseCategoricalCrossentropy"]
    assert not spec.thresholds
    assert not any(metric.HasField("threshold") for metric in spec.metrics)


@pytest.mark.parametrize(
    ("column", "kept"),
    [
        (pa.array([[3], [-1], None, [], [0]], pa.list_(pa.int64())), [0, 1, 4]),
        (pa.array([[b"long"], [b""], None, [], [b"-1"]], pa.large_list(pa.large_binary())), [0, 1, 4]),
        (pa.array([[0.5], [math.nan], None, [], [-1.0]], pa.list_(pa.float32())), [0, 1, 4]),
        (pa.nulls(5), []),
    ],
    ids=["integer", "text", "number", "all missing"],
)
def test_examples_without_a_label_are_left_out_and_no_value_counts_as_none(column: pa.Array, kept: list[int]):
    batch = pa.RecordBatch.from_arrays([column, pa.array([[n] for n in range(5)])], ["kind", "number"])

    assert labelled(batch, "kind")["number"].to_pylist() == [[n] for n in kept]
    assert labelled(batch, "absent").num_rows == 0


@pytest.mark.processes
def test_examples_without_a_label_do_not_stop_the_evaluator(world: World, tmp_path: Path):
    """TFMA fails over a batch in which some examples have a label and some have none."""
    rows = world.rows["test"]
    some = sum(row["kind"] is not None for row in rows)
    assert 0 < some < len(rows)

    overall, *_ = slices.read(evaluations.evaluate(world, rows, tmp_path).uri, "sparse_categorical_accuracy")

    assert overall.examples == some
