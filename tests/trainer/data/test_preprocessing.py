import numpy as np
import pytest
import tensorflow as tf

from limbeck.errors import DataError, TaskError
from limbeck.objectives.classes import Classes
from limbeck.objectives.registry import objective_of
from limbeck.records import to_json
from limbeck.reference import TaskRef
from limbeck.task import Feature, Label, Task
from limbeck.trainer.data.preprocessing import (
    assert_declared,
    content_id,
    dense_feature,
    encode_label,
    preprocess,
    preprocessing_fn,
)

X = Feature("x")
Y = Label("y", ("a", "b", "c"))


def task(features=(X,), label=Y, function=dict):
    return Task(
        name="mine",
        features=features,
        label=label,
        preprocessing_fn=function,
        build_teacher=dict,
        build_student=dict,
    )


def sparse(rows, dtype, width=None):
    """Returns what parse_example returns for a VarLenFeature with these lists of values."""
    indices = [[row, column] for row, values in enumerate(rows) for column in range(len(values))]
    values = [value for row in rows for value in row]
    shape = [len(rows), width or max(map(len, rows), default=0)]
    return tf.sparse.SparseTensor(
        tf.constant(indices, tf.int64, [len(indices), 2]), tf.constant(values, dtype), shape
    )


def ids(inputs):
    return content_id(inputs).numpy().tolist()


@pytest.mark.parametrize(("feature", "rows", "dtype", "expected"), [
    (Feature("f", default=-1.5), [[1.0], [], [0.0]], tf.float32, [1.0, -1.5, 0.0]),
    (Feature("f", default=7), [[1.0], []], tf.float32, [1.0, 7.0]),
    (Feature("f", "integer", default=7), [[], [0]], tf.int64, [7, 0]),
    (Feature("f", "number", default=0.5), [[], [3]], tf.int64, [0.5, 3.0]),
    (Feature("f", "text", default="none"), [[b"\xff"], [], [b""]], tf.string, [b"\xff", b"none", b""]),
    (Feature("f", "text", default=""), [[b"a"], []], tf.string, [b"a", b""]),
    (Feature("f", shape=(2, 1), default=9.0), [[1, 2], []], tf.float32, [[[1], [2]], [[9], [9]]]),
    (Feature("f", default=1.0), [[], []], tf.float32, [1.0, 1.0]),
    (Feature("f"), [[1.0], [0.0]], tf.float32, [1.0, 0.0]),
    (Feature("f", shape=(2,)), [[1, 2], [3, 4]], tf.float32, [[1, 2], [3, 4]]),
])  # fmt: skip
def test_a_sparse_feature_becomes_dense(feature, rows, dtype, expected):
    values = dense_feature(feature, sparse(rows, dtype))
    assert values.dtype == {"number": tf.float32, "integer": tf.int64, "text": tf.string}[feature.kind]
    assert values.numpy().tolist() == expected


@pytest.mark.parametrize("shape", [(4, 1), (4,)])
def test_a_dense_feature_gets_its_shape_and_dtype(shape):
    values = dense_feature(Feature("f"), tf.reshape(tf.range(4, dtype=tf.int64), shape))
    assert (values.dtype, values.numpy().tolist()) == (tf.float32, [0.0, 1.0, 2.0, 3.0])


@pytest.mark.parametrize("in_graph", [False, True])
@pytest.mark.parametrize(("feature", "rows"), [
    (Feature("pixels"), [[1.0], []]),
    (Feature("pixels", shape=(2,)), [[1.0, 2.0], [3.0]]),
])  # fmt: skip
def test_a_gap_in_a_feature_without_default_is_not_filled_silently(feature, rows, in_graph):
    def run(values):
        return dense_feature(feature, values)

    with pytest.raises(tf.errors.InvalidArgumentError, match="feature pixels has no default"):
        (tf.function(run) if in_graph else run)(sparse(rows, tf.float32))


def test_values_beyond_the_shape_are_refused():
    with pytest.raises(tf.errors.InvalidArgumentError):
        dense_feature(Feature("f", default=0.0), sparse([[1.0, 2.0], []], tf.float32))


INTEGER = Label("y", ("a", "b", "c"))
TEXT = Label("y", ("a", "b", "ä"), kind="text")


@pytest.mark.parametrize(("label", "values", "expected"), [
    (INTEGER, tf.constant([0, 2, -1, 3, -2, 2**62, -(2**62)], tf.int64), [0, 2, -2, -2, -2, -2, -2]),
    (INTEGER, tf.constant([[1], [0]], tf.int64), [1, 0]),
    (INTEGER, sparse([[1], [], [3], [-1], [0]], tf.int64), [1, -1, -2, -2, 0]),
    (INTEGER, sparse([[], []], tf.int64), [-1, -1]),
    (TEXT, tf.constant(["a", "ä", "", "A", "a "]), [0, 2, -2, -2, -2]),
    (TEXT, tf.constant([["b"], [""]]), [1, -2]),
    (TEXT, sparse([["b"], [], ["z"], [""]], tf.string), [1, -1, -2, -2]),
    (Label("y", ("", "b"), kind="text"), sparse([["b"], [], [""]], tf.string), [1, -1, 0]),
])  # fmt: skip
@pytest.mark.parametrize("in_graph", [False, True])
def test_a_label_becomes_the_index_of_its_class_and_only_a_missing_label_is_none(
    label, values, expected, in_graph
):
    """Once a raw -1 counted as unlabelled, and the accuracy left such examples out without a word."""

    def run(given):
        return encode_label(objective_of(label), {"y": given})

    encoded = (tf.function(run) if in_graph else run)(values)
    assert (encoded.dtype, encoded.numpy().tolist()) == (tf.int64, expected)


@pytest.mark.parametrize("label", [INTEGER, TEXT])
def test_several_labels_of_one_example_are_refused(label):
    values = sparse([[0, 1], []], tf.int64) if label is INTEGER else sparse([["a", "b"], []], tf.string)
    with pytest.raises(tf.errors.InvalidArgumentError):
        encode_label(objective_of(label), {"y": values})


class Both(Classes):
    """The product of two columns."""

    raw_features = ("y", "z")

    def encode(self, raw):
        return raw["y"] * raw["z"]


def test_an_objective_sees_the_examples_that_have_all_parts_of_its_label_and_no_others():
    given = {"y": sparse([[1], [], [2], [1]], tf.int64), "z": sparse([[2], [1], [], [0]], tf.int64)}

    assert encode_label(Both(INTEGER), given).numpy().tolist() == [2, -1, -1, 0]
    empty = {name: sparse([[], []], tf.int64) for name in given}
    assert encode_label(Both(INTEGER), empty).numpy().tolist() == [-1, -1]


def test_an_objective_by_columns_keeps_those_that_an_example_has():
    """Once the columns that an example had were thrown away with the one that it lacked."""
    given = {
        "pale": sparse([[1], [], [], [0], [-1]], tf.int64),
        "sour": sparse([[0], [1], [], [], []], tf.int64),
        "sweet": tf.constant([1, 0, 0, 1, 0], tf.int64),
    }
    objective = objective_of(Label("y", objective="multi_label", columns=("pale", "sour")))

    encoded = encode_label(objective, given)

    # A raw -1 is no gap, but a value that nobody declared.
    assert encoded.numpy().tolist() == [[1, 0], [-1, 1], [-1, -1], [0, -1], [-2, -1]]
    in_graph = tf.function(lambda some: encode_label(objective, some))
    np.testing.assert_array_equal(in_graph(given), encoded)
    whole = objective_of(Label("y", objective="multi_label", columns=("pale", "sweet")))
    assert encode_label(whole, given).numpy().tolist() == [[1, 1], [-1, 0], [-1, 0], [0, 1], [-2, 0]]


@pytest.mark.parametrize(("label", "remedy"), [
    (INTEGER, r"classes count from 0, and the last is 2 \('c'\); correct the data, or the classes"),
    (TEXT, "declare: correct the data, or the classes"),
])  # fmt: skip
def test_a_refusal_says_what_may_be_wrong(label, remedy):
    with pytest.raises(DataError, match=rf"^2 of 3 examples have a label.*{remedy}.*leaves the feature out$"):
        assert_declared(objective_of(label), np.array([0, -2, -2]), "examples")


@pytest.mark.parametrize("visible", [
    tf.constant([1, 0, 1, 0, 5], tf.int64),
    tf.constant([[1], [0], [1], [0], [5]], tf.int64),
    sparse([[1], [0], [1], [], [5]], tf.int64),
])  # fmt: skip
def test_the_student_gets_only_the_visible_labels(visible):
    label = Label("y", ("a", "b", "c"), visible_to_student="seen")
    inputs = {"x": tf.zeros([5]), "y": sparse([[0], [1], [], [2], [7]], tf.int64), "seen": visible}
    outputs = preprocess(task(label=label), inputs)
    assert outputs["label"].numpy().tolist() == [0, 1, -1, 2, -2]
    assert outputs["student_label"].numpy().tolist() == [0, -1, -1, -1, -2]


def test_the_student_gets_all_labels_by_default():
    outputs = preprocess(task(), {"x": tf.zeros([3]), "y": sparse([[0], [], [2]], tf.int64)})
    assert outputs["student_label"].numpy().tolist() == outputs["label"].numpy().tolist() == [0, -1, 2]


def test_the_function_of_a_task_gets_only_its_dense_features():
    seen = {}

    def function(inputs):
        seen.update(inputs)
        return {"sum": inputs["x"] + inputs["z"]}

    outputs = preprocess(
        task(features=(Feature("x"), Feature("z", default=10.0)), function=function),
        {
            "x": tf.constant([[1.0], [2.0]]),
            "z": sparse([[], [5.0]], tf.float32),
            "y": tf.constant([0, 1], tf.int64),
            "comment": tf.constant(["p", "q"]),
        },
    )
    assert set(seen) == {"x", "z"}
    assert set(outputs) == {"sum", "label", "student_label", "example_id"}
    assert outputs["sum"].numpy().tolist() == [11.0, 7.0]


def test_transform_gets_the_task_by_reference():
    inputs = {
        "pixels": 16 * tf.ones([2, 64]),
        "digit": sparse([[3], []], tf.int64),
        "label_visible": tf.constant([[0], [1]], tf.int64),
    }
    outputs = preprocessing_fn(inputs, {"task": to_json(TaskRef(module="limbeck.tasks.digits"))})
    np.testing.assert_array_equal(outputs["image"], np.ones([2, 64]))
    assert outputs["label"].numpy().tolist() == [3, -1]
    assert outputs["student_label"].numpy().tolist() == [-1, -1]


@pytest.mark.parametrize("missing", ["colour", "label", "seen"])
def test_a_feature_that_the_data_lack_is_named_with_the_nearest(missing):
    inputs = {name: tf.constant([1], tf.int64) for name in ("colour", "label", "seen")}
    inputs[f"{missing}s"] = inputs.pop(missing)
    label = Label("label", ("a", "b"), visible_to_student="seen")
    with pytest.raises(DataError) as caught:
        preprocess(task(features=(Feature("colour", "integer"),), label=label), inputs)
    assert f"no feature '{missing}'" in str(caught.value)
    assert f"Did you mean '{missing}s'?" in str(caught.value)
    assert all(name in str(caught.value) for name in inputs)


@pytest.mark.parametrize("name", ["label", "student_label", "example_id", "teacher_logits"])
def test_reserved_outputs_are_refused(name):
    inputs = {"x": tf.zeros([2]), "y": tf.constant([0, 1], tf.int64)}
    with pytest.raises(TaskError, match=rf"task 'mine' returns the reserved names \['{name}'\]"):
        preprocess(task(function=lambda features: {name: features["x"]}), inputs)


ROWS = {
    "number": [[1.5], [], [-0.0], [0.0], [1.5]],
    "integer": [[-1], [2, 3], [23], [], [-1]],
    "text": [[b"\xff\x00"], [b"a,", b"b"], [b"a", b",b"], [b""], [b"\xff\x00"]],
}
DTYPES = {"number": tf.float32, "integer": tf.int64, "text": tf.string}


def inputs_of(rows, width=None):
    return {name: sparse([ROWS[name][row] for row in rows], DTYPES[name], width) for name in ROWS}


def test_equal_rows_have_equal_ids_and_others_do_not():
    first, *others, last = ids(inputs_of(range(5)))
    assert first == last
    assert len({first, *others}) == 4
    assert all(len(one) == 38 and one.isdigit() for one in (first, *others))


def test_an_id_depends_neither_on_the_order_of_rows_nor_on_the_batch_nor_on_padding():
    whole = ids(inputs_of(range(5)))
    assert ids(inputs_of([3, 1, 4])) == [whole[row] for row in (3, 1, 4)]
    assert [ids(inputs_of([row]))[0] for row in range(5)] == whole
    assert ids(inputs_of(range(5), width=9)) == whole
    assert ids(inputs_of([])) == []


def test_an_id_does_not_depend_on_the_order_of_the_features_in_the_dictionary():
    forward = inputs_of(range(5))
    assert ids(dict(reversed(forward.items()))) == ids(forward)


def test_an_id_is_the_same_inside_a_graph():
    inputs = inputs_of(range(5))
    assert tf.function(content_id)(inputs).numpy().tolist() == ids(inputs)


def test_dense_and_sparse_rows_of_equal_content_have_equal_ids():
    values = tf.constant([[1.0, -2.0], [0.1, 3e38], [0.0, 1e-40]])
    names = tf.constant([["a"], ["ä"], [""]])
    dense = {"v": values, "n": names}
    as_sparse = {"v": sparse(values.numpy().tolist(), tf.float32), "n": sparse(names.numpy().tolist(), tf.string)}
    assert ids(dense) == ids(as_sparse)
    assert ids(dense | {"n": tf.reshape(names, [3])}) == ids(dense)
    assert [ids({name: whole[row : row + 1] for name, whole in dense.items()})[0] for row in range(3)] == ids(
        dense
    )


def test_any_changed_value_changes_the_id():
    base = {
        "v": np.array([[1.0, 2.0]], np.float32),
        "i": np.array([[5, 6]], np.int64),
        "t": np.array([["p", "q"]], object),
    }
    changes = [
        ("v", 0, np.nextafter(np.float32(1), np.float32(2))),
        ("v", 1, -2.0),
        ("i", 0, 2**53),
        ("i", 0, 2**53 + 1),
        ("i", 1, -6),
        ("t", 0, "P"),
        ("t", 1, ""),
    ]
    variants = [base, base | {"v": base["v"][:, ::-1]}, base | {"t": base["t"][:, ::-1]}]
    for name, column, value in changes:
        changed = base[name].copy()
        changed[0, column] = value
        variants.append(base | {name: changed})
    found = [ids({name: tf.constant(values) for name, values in variant.items()})[0] for variant in variants]
    assert len(set(found)) == len(variants)


@pytest.mark.parametrize(("one", "other"), [
    ({"t": [["a,", "b"]]}, {"t": [["a", ",b"]]}),
    ({"t": [["a", "b"]]}, {"t": [["ab"]]}),
    ({"t": [["ab", ""]]}, {"t": [["ab"]]}),
    ({"t": [[""]]}, {"t": [[]]}),
    ({"t": [["a|"]], "u": [["b"]]}, {"t": [["a"]], "u": [["|b"]]}),
    ({"t": [["a"]], "u": [[]]}, {"t": [[]], "u": [["a"]]}),
    ({"t": [["a", "b"]], "u": [[]]}, {"t": [["a"]], "u": [["b"]]}),
    ({"i": [[12, 3]]}, {"i": [[1, 23]]}),
    ({"i": [[1, -2]]}, {"i": [[1], ], "j": [[-2]]}),
])  # fmt: skip
def test_contents_that_only_look_alike_have_different_ids(one, other):
    def rows(content):
        return {name: sparse(values, tf.int64 if name in "ij" else tf.string) for name, values in content.items()}

    assert ids(rows(one)) != ids(rows(other))


def test_ids_of_many_examples_do_not_collide():
    numbers = tf.reshape(tf.range(200_000, dtype=tf.int64), [-1, 1])
    assert len(np.unique(content_id({"n": numbers}))) == 200_000
