"""What TFMA is asked to evaluate."""

from tensorflow_model_analysis.utils import config_util

from components.evaluation import evaluation_config
from tests.components.shapes import TASK


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
