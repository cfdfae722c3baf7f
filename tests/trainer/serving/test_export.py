import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tf_keras
from hypothesis import given
from hypothesis import strategies as st

from limbeck.files import folder_bytes
from limbeck.task import Feature, Label, Task
from limbeck.trainer.serving import export
from limbeck.trainer.serving.export import feature_name, tensor_name
from tests.trainer import transform

pytestmark = pytest.mark.long

TOWNS = ("Berlin", "Öhringen", "Bonn")  # from the most frequent to the least
WIDTH = len(TOWNS) + 1  # and one place for all others
CLASSES = 3
# A process that serves must work without these.
OURS = "trainer,launchers,components,pipeline,cli,kubeflow,tasks"
THEIRS = "tfx,tfx_bsl,tensorflow_transform,tf_keras,keras,apache_beam"


def preprocessing_fn(inputs):
    town = tft.compute_and_apply_vocabulary(inputs["town"], num_oov_buckets=1)
    numbers = [tft.scale_to_z_score(inputs["amount"]), tf.cast(inputs["1"], tf.float32), inputs["x-y"]]
    return {
        "town_one_hot": tf.one_hot(town, WIDTH),
        "numbers": tf.concat([tf.stack(numbers, axis=1), inputs["a b"] / 10], axis=1),
    }


def build(seed):
    # Keras draws initial weights from its global seed.
    tf_keras.utils.set_random_seed(seed)
    town, numbers = tf_keras.Input([WIDTH], name="town_one_hot"), tf_keras.Input([5], name="numbers")
    hidden = tf_keras.layers.Dense(4, activation="tanh", bias_initializer="ones")(
        tf_keras.layers.Concatenate()([town, numbers])
    )
    return tf_keras.Model({"town_one_hot": town, "numbers": numbers}, tf_keras.layers.Dense(CLASSES)(hidden))


TASK = Task(
    name="served",
    features=(
        Feature("amount", default=1.5),
        Feature("town", "text"),
        Feature("a b", shape=(2,)),
        Feature("1", "integer"),
        Feature("x-y"),
    ),
    label=Label("y", classes=("a", "b", "c")),
    preprocessing_fn=preprocessing_fn,
    build_teacher=lambda hyperparameters: build(0),
    build_student=lambda hyperparameters: build(0),
)
RAW_SPEC = {
    "amount": tf.io.VarLenFeature(tf.float32),
    "town": tf.io.FixedLenFeature([], tf.string),
    "a b": tf.io.FixedLenFeature([2], tf.float32),
    "1": tf.io.FixedLenFeature([1], tf.int64),
    "x-y": tf.io.FixedLenFeature([], tf.float32),
    "y": tf.io.VarLenFeature(tf.int64),
    "comment": tf.io.FixedLenFeature([], tf.string),
}


def rows():
    generator = np.random.default_rng(0)
    towns = [TOWNS[0]] * 6 + [TOWNS[1]] * 4 + [TOWNS[2]] * 2
    return [
        {
            "amount": [] if number % 4 == 1 else [float(np.float32(generator.normal(5, 3)))],
            "town": town,
            "a b": generator.normal(0, 10, 2).astype(np.float32).tolist(),
            "1": [number],
            "x-y": float(np.float32(generator.normal())),
            "y": [] if number == 3 else [number % CLASSES],
            "comment": "not for the model",
        }
        for number, town in enumerate(towns)
    ]


def model_inputs(served):
    """Computes the outputs of `preprocessing_fn` for raw rows again, in float64."""
    filled = np.array([[*row["amount"], 1.5][0] for row in rows()])
    amount = np.array([[*row["amount"], 1.5][0] for row in served])
    places = [TOWNS.index(row["town"]) if row["town"] in TOWNS else len(TOWNS) for row in served]
    numbers = [
        (amount - filled.mean()) / filled.std(),
        [row["1"][0] for row in served],
        [row["x-y"] for row in served],
    ]
    tens = np.array([row["a b"] for row in served]) / 10
    return {
        "town_one_hot": np.eye(WIDTH)[places],
        "numbers": np.concatenate([np.stack(numbers, axis=1), tens], axis=1),
    }


def forward(model, inputs):
    """Computes the logits of a model of `build`, in float64."""
    kernel, bias, last_kernel, last_bias = (weights.astype(float) for weights in model.get_weights())
    whole = np.concatenate([inputs["town_one_hot"], inputs["numbers"]], axis=1)
    return np.tanh(whole @ kernel + bias) @ last_kernel + last_bias


def softmax(logits):
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    return exponentials / exponentials.sum(-1, keepdims=True)


def serialize(row):
    """Returns a raw example as a caller sends it: with the features alone, and without a label."""
    feature = {
        "town": tf.train.Feature(bytes_list=tf.train.BytesList(value=[row["town"].encode()])),
        "a b": tf.train.Feature(float_list=tf.train.FloatList(value=row["a b"])),
        "1": tf.train.Feature(int64_list=tf.train.Int64List(value=row["1"])),
        "x-y": tf.train.Feature(float_list=tf.train.FloatList(value=[row["x-y"]])),
    }
    if row["amount"]:
        feature["amount"] = tf.train.Feature(float_list=tf.train.FloatList(value=row["amount"]))
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


# An unknown town, no amount, and a zero, which a sparse tensor must not lose.
SERVED = [
    {"amount": [0.0], "town": "Öhringen", "a b": [1.0, -2.0], "1": [3], "x-y": 0.5},
    {"amount": [], "town": "Ulm", "a b": [0.0, 0.0], "1": [-7], "x-y": -2.0},
    {"amount": [12.25], "town": "Bonn", "a b": [30.0, 0.25], "1": [0], "x-y": 0.0},
]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    output, transformed = transform.analyze(TASK, RAW_SPEC, rows(), folder)
    members = [build(1), build(2)]
    export.save(members, TASK, output, str(folder / "ensemble"))
    export.save(members[:1], TASK, output, str(folder / "single"))
    return folder, members, transformed


@pytest.fixture(scope="module", params=["single", "ensemble"])
def served(request, exported):
    """Returns the folder of a SavedModel, and the models in it."""
    folder, members, _ = exported
    return folder / request.param, members[: 1 if request.param == "single" else 2]


def assert_answers(answer, models, raw):
    member_logits = [forward(model, model_inputs(raw)) for model in models]
    probabilities = np.mean([softmax(logits) for logits in member_logits], axis=0)
    assert {name: values.dtype for name, values in answer.items()} == {
        "logits": np.float32,
        "probabilities": np.float32,
        "class": np.int64,
    }
    logits = member_logits[0] if len(models) == 1 else np.log(probabilities)
    np.testing.assert_allclose(answer["logits"], logits, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(answer["probabilities"], probabilities, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(answer["class"], probabilities.argmax(axis=1))


def signature(folder, name):
    loaded = tf.saved_model.load(str(folder))

    def call(**inputs):
        assert loaded, "the signatures do not keep the model alive"
        return {key: values.numpy() for key, values in loaded.signatures[name](**inputs).items()}

    return call


@pytest.mark.parametrize("count", [3, 1, 0])
def test_serialized_raw_examples(served, count):
    folder, models = served
    examples = tf.constant([serialize(row) for row in SERVED[:count]], tf.string)
    answer = signature(folder, "serving_default")(examples=examples)
    assert answer["logits"].shape == (count, CLASSES)
    if count:
        assert_answers(answer, models, SERVED[:count])


def test_members_differ(exported):
    _, members, _ = exported
    one, other = (forward(model, model_inputs(SERVED)) for model in members)
    assert np.abs(one - other).max() > 0.1


def test_an_example_without_a_needed_feature_is_refused(served):
    folder, _ = served
    example = tf.train.Example.FromString(serialize(SERVED[0]))
    del example.features.feature["x-y"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="x-y"):
        signature(folder, "serving_default")(examples=tf.constant([example.SerializeToString()]))


def test_dense_raw_tensors(served):
    folder, models = served
    complete = [row for row in SERVED if row["amount"]]
    answer = signature(folder, "serving_tensors")(**{
        "amount": tf.constant([row["amount"][0] for row in complete]),
        "town": tf.constant([row["town"] for row in complete]),
        tensor_name("a b"): tf.constant([row["a b"] for row in complete]),
        tensor_name("1"): tf.constant([row["1"][0] for row in complete], tf.int64),
        tensor_name("x-y"): tf.constant([row["x-y"] for row in complete]),
    })  # fmt: skip
    assert_answers(answer, models, complete)


def test_the_inputs_of_serving_tensors_are_named_and_shaped_as_promised(served):
    folder, _ = served
    _, inputs = tf.saved_model.load(str(folder)).signatures["serving_tensors"].structured_input_signature
    assert {feature_name(name): (spec.shape.as_list(), spec.dtype) for name, spec in inputs.items()} == {
        "amount": ([None], tf.float32),
        "town": ([None], tf.string),
        "a b": ([None, 2], tf.float32),
        "1": ([None], tf.int64),
        "x-y": ([None], tf.float32),
    }


def test_transformed_examples_give_the_logits_of_each_member(served, exported):
    folder, models = served
    _, _, transformed = exported
    answer = signature(folder, "transformed")(examples=tf.constant(transformed))
    expected = np.stack([forward(model, model_inputs(rows())) for model in models], axis=1)
    assert answer["logits"].shape == (len(transformed), len(models), CLASSES)
    np.testing.assert_allclose(answer["logits"], expected, rtol=1e-5, atol=1e-5)


def test_transform_runs_the_whole_preprocessing(exported):
    _, _, transformed = exported
    features = [tf.train.Example.FromString(one).features.feature for one in transformed]
    labels = [one["label"].int64_list.value[0] for one in features]
    assert labels == [-1 if number == 3 else number % CLASSES for number in range(len(rows()))]
    assert len({one["example_id"].bytes_list.value[0] for one in features}) == len(rows())


def test_a_gap_in_a_feature_without_default_stops_transform(tmp_path):
    gap = [row | {"x-y": [] if number == 5 else [row["x-y"]]} for number, row in enumerate(rows())]
    with pytest.raises(Exception, match="feature x-y has no default, so every example must have its 1 values"):
        transform.analyze(TASK, RAW_SPEC | {"x-y": tf.io.VarLenFeature(tf.float32)}, gap, tmp_path)


@pytest.mark.processes
def test_a_process_with_nothing_but_tensorflow_serves_the_model(served, tmp_path):
    folder, models = served
    inputs, outputs = tmp_path / "inputs.npz", tmp_path / "outputs.npz"
    np.savez(inputs, examples=np.array([serialize(row) for row in SERVED], object))
    script = Path(__file__).parent / "refusing.py"
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "TF_USE_LEGACY_KERAS")}
    subprocess.run(
        [sys.executable, script, f"{OURS},{THEIRS}", "predict", folder, inputs, outputs],
        cwd=tmp_path,
        env=environment,
        check=True,
    )
    with np.load(outputs) as answer:
        assert_answers(dict(answer), models, SERVED)


def test_size_and_parameters_are_counted(exported):
    folder, members, _ = exported
    assert export.count_parameters(members) == 2 * ((WIDTH + 5) * 4 + 4 + 4 * CLASSES + CLASSES)
    files = subprocess.run(
        ["find", str(folder / "single"), "-type", "f", "-printf", "%s\n"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert folder_bytes(folder / "single") == sum(map(int, files.stdout.split()))


@given(st.text())
def test_a_feature_keeps_its_name_on_the_way_to_a_tensor_and_back(name):
    assert feature_name(tensor_name(name)) == name
    assert tensor_name(name).isascii()


@given(st.lists(st.text(), unique=True, min_size=2, max_size=2))
def test_distinct_names_stay_distinct(names):
    assert tensor_name(names[0]) != tensor_name(names[1])


@pytest.mark.parametrize("name", ["a", "amount", "trip_miles", "A1", "feature", "features_2"])
def test_a_name_that_tensorflow_keeps_is_kept(name):
    assert tensor_name(name) == name


def test_tensorflow_keeps_every_name_that_we_give(tmp_path):
    names = [
        *("self", "class", "lambda", "args", "kwargs", "name", "inputs", "examples", "a", "a_1", "B", "x9", "X8"),
        *(
            "_a",
            "a_",
            "a__b",
            "1",
            "1a",
            "a b",
            "x-y",
            "x.y",
            "x/y",
            "x:0",
            "ä",
            "日本",
            "feature_1",
            "",
            " ",
            "a\n",
        ),
    ]
    specs = {tensor_name(name): tf.TensorSpec([None], tf.float32, name=tensor_name(name)) for name in names}
    module = tf.Module()
    module.call = tf.function(lambda given: {"sum": tf.add_n(list(given.values()))}, input_signature=[specs])
    tf.saved_model.save(module, str(tmp_path), signatures={"call": module.call})
    loaded = tf.saved_model.load(str(tmp_path))
    _, inputs = loaded.signatures["call"].structured_input_signature
    assert {feature_name(name) for name in inputs} == set(names)
