"""ExampleAdapter: their examples with label and id, and nothing that the student must not see."""

from pathlib import Path

import pytest
import tensorflow_transform as tft
from tfx.types import artifact_utils

from limbeck.errors import DataError, TaskError, UserError
from limbeck.splits import Splits
from limbeck.trainer.serving.export import model_input_spec
from tests.components import someone
from tests.components.someone import SPLITS, Adapted, Someone
from tests.components.world import features_of, read_split, write_split

pytestmark = pytest.mark.long

INPUTS = {"size_scaled", "colour_index"}


@pytest.mark.parametrize(("split", "ours"), SPLITS.items())
def test_features_are_those_that_their_transform_wrote(theirs: Someone, adapted: Adapted, split: str, ours: str):
    transformed = dict(zip(theirs.raw[split], map(features_of, theirs.transformed[split]), strict=True))
    records = [features_of(one) for one in read_split(adapted.transformed_examples, ours)]

    assert sorted(one["raw_example"][0] for one in records) == sorted(theirs.raw[split])
    for one in records:
        expected = transformed[one["raw_example"][0]]
        assert {name: one[name] for name in INPUTS} == {name: expected[name] for name in INPUTS}
        # Theirs is empty where there is no label.
        assert one["label"] == one["student_label"] == (expected["kind_index"] or [-1])
        assert set(one) == INPUTS | {"label", "student_label", "example_id", "raw_example"}


def test_ids_depend_on_the_content_alone(adapted: Adapted):
    found: dict[bytes, set[bytes]] = {}
    for split in SPLITS.values():
        for one in map(features_of, read_split(adapted.transformed_examples, split)):
            found.setdefault(one["raw_example"][0], set()).add(one["example_id"][0])

    assert {len(ids) for ids in found.values()} == {1}
    assert len(set.union(*found.values())) == len(found)


def test_the_graph_says_what_a_student_may_read(adapted: Adapted):
    transform = tft.TFTransformOutput(adapted.transform_graph.uri)

    assert set(model_input_spec(transform)) == INPUTS
    assert set(transform.raw_feature_spec()) == {"size", "colour", "kind"}


def test_outputs_that_need_a_feature_which_is_not_declared_are_left_out(theirs: Someone, tmp_path: Path):
    narrow = someone.adapt(theirs, tmp_path, "NARROW")

    assert set(model_input_spec(tft.TFTransformOutput(narrow.transform_graph.uri))) == {"size_scaled"}


def test_a_raw_label_is_encoded_as_the_task_says(theirs: Someone, tmp_path: Path):
    raw = someone.adapt(theirs, tmp_path, "RAW")

    found = sorted(features_of(one)["label"][0] for one in read_split(raw.transformed_examples, "test"))
    kinds = [features_of(one).get("kind", [None])[0] for one in theirs.raw["eval"]]
    assert found == sorted({None: -1, b"round": 0, b"square": 1, b"long": 2}[kind] for kind in kinds)


def test_a_sample_of_the_raw_examples_is_there_to_time_models(theirs: Someone, adapted: Adapted):
    assert artifact_utils.decode_split_names(adapted.examples.split_names) == ["test"]
    assert sorted(read_split(adapted.examples, "test")) == sorted(theirs.raw["eval"])


@pytest.mark.parametrize(
    ("attribute", "error", "said"),
    [
        ("LEAKING", TaskError, "the label 'kind_index' is computed from features"),
        ("MISSPELT", DataError, "no raw feature 'sise' .* Did you mean 'size'"),
        ("WITHOUT_LABEL", DataError, "'kind_indx' is neither .* Did you mean 'kind_index'"),
        ("EMPTY", TaskError, "no output of the transform graph can be computed"),
    ],
)
def test_a_task_that_does_not_fit_is_refused(
    theirs: Someone, tmp_path: Path, attribute: str, error: type[UserError], said: str
):
    with pytest.raises(error, match=said):
        someone.adapt(theirs, tmp_path, attribute)


def test_a_split_that_is_not_there_is_refused(theirs: Someone, tmp_path: Path):
    with pytest.raises(DataError, match="no split 'test'; they have: train, eval"):
        someone.adapt(theirs, tmp_path, splits=Splits(test="test"))


def test_examples_that_are_no_tf_examples_are_refused(theirs: Someone, tmp_path: Path):
    theirs.examples.set_string_custom_property("payload_format", "FORMAT_PARQUET")
    try:
        with pytest.raises(DataError, match=r"must be tf\.Examples, but are FORMAT_PARQUET"):
            someone.adapt(theirs, tmp_path)
    finally:
        theirs.examples.set_string_custom_property("payload_format", "FORMAT_TF_EXAMPLE")


def test_a_test_split_without_examples_is_refused(theirs: Someone, tmp_path: Path):
    examples = someone.rehearsal.examples(tmp_path / "raw", ["train", "eval"])
    write_split(examples, "train", theirs.raw["train"], "data_tfrecord")
    write_split(examples, "eval", [], "data_tfrecord")
    empty = Someone(theirs.raw, theirs.transformed, examples, theirs.transform_graph)

    with pytest.raises(DataError, match=r"no example to judge models with .*Splits\.test"):
        someone.adapt(empty, tmp_path)
