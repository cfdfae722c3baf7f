"""TeacherLabeler: the soft targets are what the teachers themselves answer."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.artifact import Artifact

from limbeck.components.properties.sections import Section
from limbeck.components.teacher_labeler import over_files
from limbeck.components.teacher_labeler.examples import attach_logits, content_id_of
from limbeck.components.teacher_labeler.executor import Executor, number_occurrences
from limbeck.components.teacher_labeler.provenance import assert_from
from limbeck.errors import DataError
from limbeck.settings import operational
from limbeck.settings.labelling import LabellingConfig
from limbeck.settings.operational import Operational
from limbeck.trainer.distillation.stored import record
from limbeck.trainer.distillation.stored.encoding import decode
from limbeck.trainer.distillation.stored.example import teacher_logits
from limbeck.trainer.distillation.stored.form import StoredForm
from tests.classes import classes
from tests.components import rehearsal
from tests.components.mapping import here
from tests.components.world import PROPERTIES, SIZES, TEACHERS, World, by_id, features_of, read_split, write_split

COMPACT = LabellingConfig(top_k=1, dtype="float16")


def by_beam(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has Beam label, as it does with several workers."""
    monkeypatch.setattr("limbeck.components.teacher_labeler.executor.is_alone", lambda _: False)


def label(world: World, folder: Path, labelling: LabellingConfig, examples: Artifact | None = None) -> Artifact:
    made = rehearsal.artifact(standard_artifacts.Examples, folder / "examples")
    inputs = {"examples": examples or world.transformed_examples, "model": world.models["teacher"]}
    properties = PROPERTIES | Section(LabellingConfig).encode(labelling)
    output = rehearsal.run(Executor, inputs, {"labelled_examples": made}, properties, folder)
    [written] = output.output_artifacts["labelled_examples"].artifacts
    made.mlmd_artifact.CopyFrom(written)
    return made


def doubled(world: World, folder: Path) -> Artifact:
    """The examples of the world, with every third one again: in its own file, in another file, and in both."""
    made = rehearsal.examples(folder, list(SIZES))
    for split, examples in world.transformed.items():
        write_split(made, split, [*examples, *examples[::3], *examples[::6]], "transformed_examples", 4)
    return made


@pytest.fixture(scope="module")
def labelled(world: World, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return label(world, tmp_path_factory.mktemp("labelled"), LabellingConfig())


@pytest.fixture(scope="module")
def compact(world: World, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return label(world, tmp_path_factory.mktemp("compact"), COMPACT)


def test_all_splits_are_there(labelled: Artifact):
    assert artifact_utils.decode_split_names(labelled.split_names) == list(SIZES)


@pytest.mark.parametrize("split", SIZES)
def test_every_example_of_a_split_is_there_once(labelled: Artifact, world: World, split: str):
    def ids(serialized: list[bytes]) -> list[bytes]:
        return sorted(features_of(one)["example_id"][0] for one in serialized)

    assert ids(read_split(labelled, split)) == [one + b"-0" for one in ids(world.transformed[split])]


@pytest.mark.parametrize("split", SIZES)
def test_soft_targets_are_the_logits_of_every_teacher_row_by_row(labelled: Artifact, world: World, split: str):
    written = by_id(read_split(labelled, split))
    expected = world.logits("teacher", split)
    assert expected.shape[1:] == (TEACHERS, 3)
    for example_id, logits in zip(by_id(world.transformed[split]), expected, strict=True):
        np.testing.assert_allclose(written[example_id + b"-0"]["teacher_logits"], logits.reshape(-1), atol=1e-6)


@pytest.mark.parametrize("labelling", [LabellingConfig(), COMPACT], ids=["in full", "compact"])
def test_a_cluster_and_one_process_alone_write_what_beam_writes(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, labelling: LabellingConfig
):
    examples = doubled(world, tmp_path / "doubled")
    alone = label(world, tmp_path / "alone", labelling, examples)
    by_beam(monkeypatch)
    of_beam = label(world, tmp_path / "beam", labelling, examples)
    # So that the larger files are shared out, by 8 examples: 3 shares of 23 or 24, 2 of 9, 1 of 8 or fewer.
    monkeypatch.setattr(over_files, "_FEWEST_ROWS", 8)
    monkeypatch.setattr(here.Here, "room", 100)
    settings = Operational(scoring=here.register(monkeypatch)).environment()
    monkeypatch.setenv(operational.ENVIRONMENT, settings[operational.ENVIRONMENT])
    by_cluster = label(world, tmp_path / "cluster", labelling, examples)

    for split in SIZES:
        found = read_split(by_cluster, split)
        assert sorted(found) == sorted(read_split(of_beam, split)) == sorted(read_split(alone, split))
        assert len({features_of(one)["example_id"][0] for one in found}) == len(found) > SIZES[split]
        names = sorted(path.name for path in (Path(by_cluster.uri) / f"Split-{split}").iterdir())
        count = {"train": 12, "validation": 4, "test": 7}[split]
        assert names == [f"transformed_examples-{number:05d}-of-{count:05d}.gz" for number in range(count)]
    assert record.read(by_cluster.uri).labelling == record.read(of_beam.uri).labelling
    assert list((tmp_path / "cluster" / "temporary").rglob("*.gz")) == []


@pytest.mark.parametrize("temperature", [1.0, 4.0, 20.0])
def test_stored_soft_targets_are_those_of_the_live_teachers(labelled: Artifact, world: World, temperature: float):
    written = by_id(read_split(labelled, "train"))
    stored = [written[key + b"-0"]["teacher_logits"] for key in by_id(world.transformed["train"])]
    live = np.exp(world.logits("teacher", "train").astype(np.float64) / temperature)
    expected = (live / live.sum(axis=-1, keepdims=True)).mean(axis=1)

    found = tf.exp(classes(3).soft_targets(np.reshape(stored, [-1, TEACHERS, 3]), temperature))

    assert expected.max() - expected.min() > 0.01
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_the_labels_say_whose_they_are(labelled: Artifact, world: World):
    inputs = {"examples": [labelled], "teacher": [world.models["teacher"]], "pupil": [world.models["student"]]}

    assert_from(inputs, "examples", "teacher")
    with pytest.raises(DataError, match="those of another teacher"):
        assert_from(inputs, "examples", "pupil")


@pytest.mark.parametrize("split", SIZES)
def test_all_other_features_are_untouched(labelled: Artifact, world: World, split: str):
    written = by_id(read_split(labelled, split))
    for one in written.values():
        del one["teacher_logits"], one["example_id"]
    expected = {key + b"-0": one for key, one in by_id(world.transformed[split]).items()}
    for one in expected.values():
        del one["example_id"]
    assert written == expected


def test_rows_of_equal_content_get_ids_of_their_own():
    example = tf.train.Example()
    example.features.feature["example_id"].bytes_list.value.append(b"7")
    serialized = example.SerializeToString()
    assert content_id_of(serialized) == b"7"

    numbered = list(number_occurrences(b"7", [serialized, serialized, serialized]))

    assert [features_of(one)["example_id"] for one in numbered] == [[b"7-0"], [b"7-1"], [b"7-2"]]


def test_attached_logits_replace_those_that_were_there_and_make_the_same_bytes_each_time():
    example = tf.train.Example()
    example.features.feature["example_id"].bytes_list.value.append(b"7")
    logits = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)

    once = attach_logits(example.SerializeToString(), logits)

    assert features_of(once) == {"example_id": [b"7"], "teacher_logits": [1.0, 2.0, 3.0, 4.0]}
    assert attach_logits(attach_logits(once, -logits), logits) == once


def test_the_training_split_alone_is_stored_in_another_form(compact: Artifact, labelled: Artifact):
    form = StoredForm(3, 1, "float16", relative=True)
    for split in SIZES:
        for key, found in by_id(read_split(compact, split)).items():
            full = np.reshape(by_id(read_split(labelled, split))[key]["teacher_logits"], [TEACHERS, 3])
            if split == "train":
                assert "teacher_logits" not in found
                logits = decode(np.array(found["soft_targets"]), form)
                probabilities = np.exp(full) / np.exp(full).sum(axis=1, keepdims=True)
                best = probabilities.mean(axis=0).argmax()
                stored = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
                np.testing.assert_allclose(stored[:, best], probabilities[:, best], rtol=2e-3)
            else:
                assert "soft_targets" not in found
                np.testing.assert_array_equal(found["teacher_logits"], full.reshape(-1))


def test_sizes_are_read_back_from_what_was_written(compact: Artifact, labelled: Artifact):
    small, large = (record.read(one.uri) for one in (compact, labelled))

    assert (small.labelling, large.labelling) == (COMPACT, LabellingConfig())
    for one, artifact in ((small, compact), (large, labelled)):
        assert (one.teachers, one.outputs, one.full_bytes) == (TEACHERS, 3, 24)
        shards = list(Path(artifact_utils.get_split_uris([artifact], "train")[0]).iterdir())
        assert one.split_bytes == sum(shard.stat().st_size for shard in shards) > 0
    serialized = next(iter(read_split(compact, "train")))
    assert (
        small.example_bytes == tf.train.Example.FromString(serialized).features.feature["soft_targets"].ByteSize()
    )
    assert small.size_words.startswith("the most probable of 3 classes and the rest, as float16: ")


def test_both_forms_are_of_the_same_teacher(compact: Artifact, world: World):
    assert_from({"examples": [compact], "teacher": [world.models["teacher"]]}, "examples", "teacher")


def test_another_form_replaces_the_one_that_was_there():
    logits = np.array([[1.0, 2.0, 0.0]], np.float32)
    form = StoredForm(3, 1, "float16", relative=True)

    once = attach_logits(attach_logits(tf.train.Example().SerializeToString(), logits), logits, form)

    assert list(features_of(once)) == ["soft_targets"]
    assert list(features_of(attach_logits(once, logits))) == ["teacher_logits"]
    assert teacher_logits(tf.train.Example.FromString(once), form)[0, 1] == 0
