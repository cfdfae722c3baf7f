"""TeacherAdapter: models as others export them answer here what they answer there."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact

from limbeck.components.properties.sections import Section
from limbeck.components.teacher_adapter.executor import Executor
from limbeck.components.teacher_labeler.executor import Executor as TeacherLabeler
from limbeck.errors import ConfigError
from limbeck.records import to_json
from limbeck.saved_teacher import SavedTeacher
from limbeck.settings.labelling import LabellingConfig
from tests.components import rehearsal
from tests.components.someone import Adapted, Someone, network, properties, save
from tests.components.world import features_of, read_split

pytestmark = pytest.mark.long

TEXTS = tf.TensorSpec([None], tf.string, name="examples")


@pytest.fixture(scope="module")
def stock(theirs: Someone, tmp_path_factory: pytest.TempPathFactory) -> tuple[Artifact, Any]:
    """A model as stock Trainers export it: raw serialized examples -> probabilities. And the model itself."""
    return stock_model(theirs, tmp_path_factory.mktemp("stock"), "softmax")


def stock_model(theirs: Someone, folder: Path, activation: str | None, outputs: int = 3) -> tuple[Artifact, Any]:
    model = network(activation, outputs)
    transform = tft.TFTransformOutput(theirs.transform_graph.uri)
    layer = transform.transform_features_layer()
    spec = {name: one for name, one in transform.raw_feature_spec().items() if name != "kind"}

    def serve(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"outputs": model(layer(tf.io.parse_example(examples, spec)))}

    return save(folder / "model", serve, TEXTS, held=(model, layer)), model


def adapt(given: Artifact, adapted: Adapted, teacher: SavedTeacher, folder: Path, task: str = "TASK") -> Artifact:
    """Runs TeacherAdapter, and returns its model."""
    outputs = {
        "model": rehearsal.artifact(standard_artifacts.Model, folder / "adapted"),
        "model_run": rehearsal.artifact(standard_artifacts.ModelRun, folder / "run"),
    }
    inputs = {"examples": adapted.examples, "transform_graph": adapted.transform_graph, "given_model": given}
    rehearsal.run(Executor, inputs, outputs, properties(task, teacher=to_json(teacher)), folder)
    return outputs["model"]


def served(model: Artifact, signature: str, examples: list[bytes]) -> dict[str, Any]:
    loaded = tf.saved_model.load(f"{model.uri}/Format-Serving")
    return {name: one.numpy() for name, one in loaded.signatures[signature](tf.constant(examples)).items()}


def answers(model: Any, theirs: Someone, split: str = "eval") -> dict[bytes, Any]:
    """What the model itself answers to the transformed features, by raw example: float64 `[outputs]`."""
    parsed = [features_of(one) for one in theirs.transformed[split]]
    size = np.array([one["size_scaled"] for one in parsed], np.float32)
    colour = np.array([one["colour_index"] for one in parsed], np.int32)
    found = model([size, colour]).numpy().astype(np.float64)
    return dict(zip(theirs.raw[split], found, strict=True))


def softmax(logits: Any) -> Any:
    exponents = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponents / exponents.sum(axis=-1, keepdims=True)


def assert_is(model: Artifact, adapted: Adapted, expected: dict[bytes, Any]) -> None:
    """Both signatures give, for each example, logits whose softmax is expected."""
    raw = list(expected)
    records = read_split(adapted.transformed_examples, "test")
    wanted = np.array([expected[one] for one in raw])
    of_raw = served(model, "serving_default", raw)
    of_adapted = served(model, "transformed", records)["logits"]

    assert np.ptp(wanted, axis=0).max() > 0.05
    assert of_adapted.dtype == np.float32
    assert of_adapted.shape[1:] == (1, wanted.shape[1])
    np.testing.assert_allclose(of_raw["probabilities"], wanted, rtol=0, atol=1e-6)
    np.testing.assert_allclose(softmax(of_raw["logits"]), wanted, rtol=0, atol=1e-6)
    for record, logits in zip(map(features_of, records), of_adapted[:, 0], strict=True):
        np.testing.assert_allclose(softmax(logits), expected[record["raw_example"][0]], rtol=0, atol=1e-6)


def test_a_stock_model_answers_as_before(theirs: Someone, adapted: Adapted, stock: Any, tmp_path: Path):
    given, model = stock

    made = adapt(given, adapted, SavedTeacher("probabilities"), tmp_path)

    assert_is(made, adapted, answers(model, theirs))
    history = json.loads((tmp_path / "run" / "history.json").read_text())
    # Without what the optimizer holds.
    assert history == {"parameters": model.count_params(), "members": []}


def test_a_model_of_transformed_features_as_keras_saves_it(theirs: Someone, adapted: Adapted, tmp_path: Path):
    model = network(None)
    given = rehearsal.artifact(standard_artifacts.Model, tmp_path / "given")
    model.save(f"{given.uri}/Format-Serving", save_format="tf")

    made = adapt(given, adapted, SavedTeacher("logits", output="answer", takes="transformed"), tmp_path)

    assert_is(made, adapted, {raw: softmax(one) for raw, one in answers(model, theirs).items()})


def test_a_model_of_raw_tensors(theirs: Someone, adapted: Adapted, tmp_path: Path):
    weights = np.random.default_rng(0).normal(0, 1, (2, 3)).astype(np.float32)
    variable = tf.Variable(weights)

    def serve(size: tf.Tensor, colour: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"outputs": size @ variable + tf.cast(tf.equal(colour, "red"), tf.float32)[:, None] * [1.0, 0, 0]}

    signature = tf.TensorSpec([None, 2], name="size"), tf.TensorSpec([None], tf.string, name="colour")
    given = save(tmp_path / "given", serve, *signature, held=variable)

    made = adapt(given, adapted, SavedTeacher("logits"), tmp_path)

    parsed = {raw: features_of(raw) for raw in theirs.raw["eval"]}
    expected = {
        raw: softmax(np.array(one["size"]) @ weights + np.array([one["colour"] == [b"red"], 0, 0]))
        for raw, one in parsed.items()
    }
    assert_is(made, adapted, expected)


@pytest.mark.parametrize("takes", ["raw", "transformed"])
def test_a_teacher_may_take_more_than_its_student(theirs: Someone, adapted: Adapted, tmp_path: Path, takes: str):
    """The task `NARROW` declares no `colour`, which both models below read."""
    if takes == "transformed":
        given = rehearsal.artifact(standard_artifacts.Model, tmp_path / "given")
        model = network(None)
        model.save(f"{given.uri}/Format-Serving", save_format="tf")
        expected = {raw: softmax(one) for raw, one in answers(model, theirs).items()}
        teacher = SavedTeacher("logits", output="answer", takes="transformed")
    else:
        signature = tf.TensorSpec([None, 1], tf.string, name="colour"), tf.TensorSpec([None, 2], name="size")
        given = save(tmp_path / "given", red_and_large, *signature)
        parsed = {raw: features_of(raw) for raw in theirs.raw["eval"]}
        expected = {
            raw: softmax(np.array([one["size"][0], 2.0 * (one["colour"] == [b"red"]), 0]))
            for raw, one in parsed.items()
        }
        teacher = SavedTeacher("logits")

    assert_is(adapt(given, adapted, teacher, tmp_path, "NARROW"), adapted, expected)


def red_and_large(colour: tf.Tensor, size: tf.Tensor) -> dict[str, tf.Tensor]:
    red = 2 * tf.cast(tf.equal(colour, "red"), tf.float32)
    return {"outputs": tf.concat([size[:, :1], red, tf.zeros_like(red)], axis=1)}


def test_the_probability_of_one_of_two_classes(theirs: Someone, adapted: Adapted, tmp_path: Path):
    given, model = stock_model(theirs, tmp_path, "sigmoid", outputs=1)

    made = adapt(given, adapted, SavedTeacher("probabilities"), tmp_path, "TWO")

    expected = {raw: np.array([1 - one[0], one[0]]) for raw, one in answers(model, theirs).items()}
    assert_is(made, adapted, expected)


def test_the_probability_of_a_yes(theirs: Someone, adapted: Adapted, tmp_path: Path):
    given, model = stock_model(theirs, tmp_path, "sigmoid", outputs=1)

    made = adapt(given, adapted, SavedTeacher("probabilities"), tmp_path, "BINARY")

    expected = answers(model, theirs)
    found = served(made, "serving_default", list(expected))["probability"]
    np.testing.assert_allclose(found, np.array(list(expected.values()))[:, 0], rtol=1e-5)
    assert np.ptp(found) > 0.05


def test_the_adapted_model_needs_neither_the_given_one_nor_the_graph(
    theirs: Someone, adapted: Adapted, tmp_path: Path
):
    given, _ = stock_model(theirs, tmp_path, "softmax")
    before = served(given, "serving_default", theirs.raw["eval"])["outputs"]
    made = adapt(given, adapted, SavedTeacher("probabilities"), tmp_path)
    Path(given.uri).rename(tmp_path / "elsewhere")

    after = served(made, "serving_default", theirs.raw["eval"])["probabilities"]

    np.testing.assert_allclose(after, before, rtol=0, atol=1e-6)


def test_it_labels_examples_like_any_teacher(theirs: Someone, adapted: Adapted, stock: Any, tmp_path: Path):
    given, model = stock
    made = adapt(given, adapted, SavedTeacher("probabilities"), tmp_path)
    labelled = rehearsal.artifact(standard_artifacts.Examples, tmp_path / "labelled")
    inputs = {"examples": adapted.transformed_examples, "model": made}
    wanted = properties() | Section(LabellingConfig).encode(LabellingConfig())
    rehearsal.run(TeacherLabeler, inputs, {"labelled_examples": labelled}, wanted, tmp_path)

    by_content = {one["example_id"][0]: one["raw_example"][0] for one in records_of(adapted)}
    expected = answers(model, theirs)
    found = [features_of(one) for one in read_split(labelled, "test")]
    for one in found:
        raw = by_content[one["example_id"][0].rpartition(b"-")[0]]
        np.testing.assert_allclose(softmax(np.array(one["teacher_logits"])), expected[raw], rtol=0, atol=1e-6)
        assert "raw_example" not in one
    assert len({one["example_id"][0] for one in found}) == len(theirs.raw["eval"])


def records_of(adapted: Adapted) -> list[dict[str, Any]]:
    return [features_of(one) for one in read_split(adapted.transformed_examples, "test")]


@pytest.mark.parametrize(
    ("teacher", "said"),
    [
        (SavedTeacher("logits", signature="serving_defualt"), "no signature 'serving_defualt'. Did you mean"),
        (
            SavedTeacher("logits", output="output"),
            "no output of the signature 'serving_default' 'output'. Did you",
        ),
        (SavedTeacher("logits", output="scores"), "It has: 'outputs'"),
        (SavedTeacher("logits", takes="transformed"), "takes serialized examples as 'examples'; if they are raw"),
    ],
)
def test_what_a_model_does_not_have_is_refused(
    adapted: Adapted, stock: Any, tmp_path: Path, teacher: SavedTeacher, said: str
):
    with pytest.raises(ConfigError, match=said):
        adapt(stock[0], adapted, teacher, tmp_path)


def test_a_model_that_takes_other_features_is_refused(adapted: Adapted, tmp_path: Path):
    given = rehearsal.artifact(standard_artifacts.Model, tmp_path / "given")
    network(None).save(f"{given.uri}/Format-Serving", save_format="tf")
    teacher = SavedTeacher("logits", output="answer")

    with pytest.raises(ConfigError, match=r"'colour_index', which is no raw feature.* say takes='transformed'"):
        adapt(given, adapted, teacher, tmp_path)


def test_a_model_for_a_batch_of_one_size_is_refused(adapted: Adapted, tmp_path: Path):
    def serve(size: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"outputs": tf.zeros([8, 3]) + size[0, 0]}

    given = save(tmp_path / "given", serve, tf.TensorSpec([8, 2], name="size"))

    with pytest.raises(ConfigError, match=r"takes 'size' as \(8, 2\), which is not a batch of any size"):
        adapt(given, adapted, SavedTeacher("logits"), tmp_path)


def constant(values: list[float]) -> Callable[..., Any]:
    return lambda examples: {"outputs": tf.tile([values], [tf.size(examples), 1])}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([3.5, -1.0, 2.0], "reach from -1 to 3.5"),
        ([0.5, 0.5, 0.5], "they sum to 1.5"),
        ([0.5, float("nan"), 0.5], "some are not finite"),
        ([0.5, 0.5], r"\[batch, 2\], but the label needs logits \[batch, 3\]"),
    ],
)
def test_answers_that_cannot_be_probabilities_are_refused(
    adapted: Adapted, tmp_path: Path, values: list[float], said: str
):
    given = save(tmp_path / "given", constant(values), TEXTS)

    with pytest.raises(ConfigError, match=said):
        adapt(given, adapted, SavedTeacher("probabilities"), tmp_path)


def test_logits_that_look_like_probabilities_are_remarked_on(
    adapted: Adapted, stock: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    adapt(stock[0], adapted, SavedTeacher("logits"), tmp_path)

    assert "looks like probabilities: if it is, say answers='probabilities'" in caplog.text
