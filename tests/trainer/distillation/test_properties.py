"""What distillation must do with any data: the limits of its loss, and what the student learns from."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from limbeck.launchers.cluster import Cluster
from limbeck.launchers.launch import launch
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.training import TrainingConfig
from limbeck.trainer import training
from limbeck.trainer.data.order import Order
from limbeck.trainer.data.packed import PackedExamples
from limbeck.trainer.job import TrainingJob
from limbeck.trainer.recovery import checkpoint
from tests.classes import classes
from tests.trainer.world import (
    CLASSES,
    COLOURS,
    COUNT,
    TEACHERS,
    World,
    build,
    edited,
    pack,
    random_logits,
    rows,
    values_of,
    weights,
    with_logits,
)

pytestmark = pytest.mark.long

# Two examples have equal content. The labeller tells them apart by their occurrence.
TWINS = [*rows(), *rows()[:2]]


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> World:
    logits = random_logits()
    folder = tmp_path_factory.mktemp("twins")
    return build(folder, TWINS, np.concatenate([logits, logits[:2]]))


def labelled(examples: tuple[bytes, ...], logits: np.ndarray) -> list[bytes]:
    """Numbers and labels examples by the code of TeacherLabeler, and changes their order, as Beam may."""
    from limbeck.components.teacher_labeler.examples import attach_logits, content_id_of
    from limbeck.components.teacher_labeler.executor import number_occurrences

    by_content: dict[bytes, list[tuple[bytes, np.ndarray]]] = {}
    for example, some in zip(examples, logits, strict=True):
        by_content.setdefault(content_id_of(example), []).append((example, some))
    return [
        attach_logits(numbered, some)
        for content, group in reversed(by_content.items())
        for numbered, (_, some) in zip(number_occurrences(content, [one for one, _ in group]), group, strict=True)
    ]


def trained(job: TrainingJob) -> list[np.ndarray]:
    training.run(job)
    return weights(job)


def assert_same(one: list[np.ndarray], other: list[np.ndarray]) -> None:
    for values, wanted in zip(one, other, strict=True):
        np.testing.assert_array_equal(values, wanted)


def test_alpha_0_is_training_without_a_teacher_bit_for_bit(twins: World, tmp_path: Path):
    logits = np.concatenate([random_logits(), random_logits()[:2]])
    ids = [values_of(one, "example_id")[0] for one in twins.transformed]
    assert len(set(ids)) == len(ids) - 2
    examples = {
        "with logits": labelled(twins.transformed, logits),
        "whose teachers are broken": labelled(twins.transformed, np.full_like(logits, np.nan)),
        # There is no answer of a teacher.
        "without logits": twins.transformed,
    }
    assert len(values_of(examples["with logits"][0], "teacher_logits")) == TEACHERS * CLASSES
    plain = trained(
        twins.job(
            tmp_path / "plain", "student", targets="labels", examples_uri=pack(tmp_path / "a", twins.transformed)
        )
    )
    for what, some in examples.items():
        job = twins.job(
            tmp_path / what.replace(" ", "-"),
            "student",
            examples_uri=pack(tmp_path / what, some),
            distillation=DistillationConfig(alpha=0.0, temperature=4.0),
        )
        assert_same(trained(job), plain)


def test_alpha_1_reads_no_label(world: World, tmp_path: Path):
    pure = DistillationConfig(alpha=1.0, temperature=2.0)
    told = trained(world.job(tmp_path / "told", "student", distillation=pure))
    lies = np.random.default_rng(0).integers(-1, CLASSES, COUNT).tolist()
    assert lies != [values_of(one, "student_label")[0] for one in world.examples]
    scrambled = [edited(one, student_label=[lie]) for one, lie in zip(world.examples, lies, strict=True)]
    folder = pack(tmp_path / "packed", scrambled)
    assert_same(trained(world.job(tmp_path / "lied-to", "student", distillation=pure, examples_uri=folder)), told)


def test_at_high_temperature_the_soft_loss_matches_logits():
    """Hinton, Vinyals and Dean (2015), section 2.1: the gradient approaches (z - v) / C if logits have mean 0."""
    generator = np.random.default_rng(3)
    students, teachers = generator.standard_normal([23, 5]), generator.standard_normal([23, TEACHERS, 5])
    students -= students.mean(axis=-1, keepdims=True)
    teachers -= teachers.mean(axis=-1, keepdims=True)
    limit = (students - teachers.mean(axis=1)) / 5
    # The next term of the series, times T.
    squares, of_teachers = students**2, (teachers**2).mean(axis=1)
    slope = (squares - squares.mean(-1, keepdims=True) - of_teachers + of_teachers.mean(-1, keepdims=True)) / 10

    errors = []
    for temperature in (10.0, 100.0, 1000.0):
        given = tf.constant(students, tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(given)
            loss = classes(CLASSES).soft_loss(given, tf.constant(teachers, tf.float32), temperature)
        error = tape.gradient(loss, given).numpy() - limit
        # T magnifies the rounding errors of float32 probabilities near 1/5.
        np.testing.assert_allclose(error, slope / temperature, atol=1 / temperature**2 + 1e-7 * temperature)
        errors.append(np.abs(error).max())
    assert errors[0] > 5 * errors[1] > 25 * errors[2] > 0
    assert errors[2] < 2e-3 * np.abs(limit).max()


# 444 positions in 50 steps of 9: two processes never have equal shares, and the last batch holds three.
UNEVEN = TrainingConfig(epochs=12, batch_size=9, learning_rate=0.1, seed=2)
UNEVEN_COUNT, UNEVEN_STEPS = 37, 50


@pytest.mark.processes
def test_two_processes_train_as_one_if_only_one_of_them_has_labels(tmp_path: Path):
    some = [one | {"seen": int(number % 6 == 1)} for number, one in enumerate(rows(UNEVEN_COUNT))]
    world = build(tmp_path, some, random_logits(UNEVEN_COUNT))
    order = Order(UNEVEN_COUNT, UNEVEN.batch_size, UNEVEN.epochs, UNEVEN.seed)
    shares = labels_of_shares(world.folders["student"], order)
    assert len(shares) == UNEVEN_STEPS
    assert [size for size, _ in shares[-1]] == [1, 2]
    labels = [(first, second) for (_, first), (_, second) in shares]
    assert sum(first > 0 and second == 0 for first, second in labels) >= 5
    assert sum(first == 0 and second > 0 for first, second in labels) >= 5
    assert sum(first != second and first > 0 and second > 0 for first, second in labels) >= 1

    common = {
        "task": world.variant("SGD"),
        "training": UNEVEN,
        "distillation": DistillationConfig(
            temperature=4.0,
            temperature_end=1.0,
            alpha=0.2,
            alpha_end=0.8,
            logit_squared_error_weight=0.1,
            jensen_shannon_weight=0.5,
            decoupled_weight=0.2,
        ),
    }
    alone = world.job(tmp_path / "alone", "student", **common)
    together = world.job(tmp_path / "together", "student", **common, strategy=StrategyConfig(workers=2))
    training.run(alone)
    records = launch(together, Cluster.of(together.strategy)).result

    assert [one.steps for one in records] == [UNEVEN_STEPS] * 2
    assert [one.examples for one in records] == [
        sum(size for size, _ in part) for part in zip(*shares, strict=True)
    ]
    differences = [np.abs(a - b).max() for a, b in zip(weights(alone), weights(together), strict=True)]
    assert max(differences) <= 1e-6, differences


def labels_of_shares(folder: str, order: Order) -> list[list[tuple[int, int]]]:
    """Returns, for each step and each of two ranks, the number of its examples, and of those with a label."""
    examples = PackedExamples(Path(folder))
    steps = []
    for step in range(order.steps):
        batch = order.rows(order.global_batch(step))
        parts = [batch[order.share(step, rank, 2)] for rank in range(2)]
        steps.append([(len(part), int(examples.labelled(part).sum())) for part in parts])
    return steps


def contents(folder: str) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def test_teachers_do_not_change_and_are_not_in_the_students_export_or_checkpoints(world: World, tmp_path: Path):
    teacher = world.job(tmp_path / "teacher", members=TEACHERS)
    training.run(teacher)
    before = contents(teacher.model_uri)
    folder = pack(tmp_path / "packed", with_logits(world.transformed, world.logits(teacher)))
    student = world.job(
        tmp_path / "student",
        "student",
        examples_uri=folder,
        hyperparameters={"units": 5},
        checkpoint_uri=str(tmp_path / "checkpoints"),
    )
    training.run(student)

    assert contents(teacher.model_uri) == before
    saved = checkpoint.latest(checkpoint.folder_of(str(student.checkpoint_uri), 0))
    assert saved is not None and saved.step > 0
    assert_same(
        [saved.arrays[name] for name in sorted(saved.arrays) if name.startswith("weights/")], weights(student)
    )
    # Adam's step count, learning rate, and two moments of each weight.
    assert len(saved.arrays) == (1 + 2) * len(weights(student)) + 2
    stored = tf.train.list_variables(f"{student.model_uri}/variables/variables")
    assert sorted(tuple(shape) for name, shape in stored if name != "_CHECKPOINTABLE_OBJECT_GRAPH") == sorted(
        tuple(variable.shape) for variable in world.task.load().build_student({"units": 5}).variables
    )
    files = b"".join(contents(student.model_uri).values())
    # The first three weights of each variable, as a checkpoint or a constant of a graph would hold them.
    assert all(one.ravel()[:3].tobytes() in files for one in weights(student))
    assert not any(one.ravel()[:3].tobytes() in files for one in weights(teacher))
    own = np.concatenate([one.ravel() for one in weights(student)])
    assert not np.isin(np.concatenate([one.ravel() for one in weights(teacher)]), own).any()


TAUGHT, HELD_OUT, SEEN_EVERY, SEEDS = 300, 600, 25, 3
LONG = TrainingConfig(epochs=20, batch_size=30, learning_rate=0.02, seed=1)


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Builds a world with a rule. The teacher knows the rule, and the student gets every 25th label."""
    generator = np.random.default_rng(7)
    inputs = generator.standard_normal([TAUGHT + HELD_OUT, 4]).astype(np.float32)
    logits = 3 * np.tanh(inputs @ generator.standard_normal([4, 6])) @ generator.standard_normal([6, CLASSES])
    some = [
        {"x": x.tolist(), "colour": [COLOURS[answer]], "seen": int(number % SEEN_EVERY == 0)}
        for number, (x, answer) in enumerate(zip(inputs, logits.argmax(axis=1), strict=True))
    ]
    folder = tmp_path_factory.mktemp("taught")
    return build(folder, some, logits[:, np.newaxis])


def test_a_shuffled_teacher_helps_nobody(taught: World, tmp_path: Path):
    training_examples, held_out = taught.examples[:TAUGHT], taught.examples[TAUGHT:]
    wanted = np.array([values_of(one, "label")[0] for one in held_out])
    pure = DistillationConfig(alpha=1.0, temperature=2.0)

    def accuracies(name: str, examples: list[bytes], **changes) -> np.ndarray:
        folder = pack(tmp_path / f"packed-{name}", examples)
        job = taught.job(tmp_path / name, "student", examples_uri=folder, training=LONG, **changes)
        training.run(job)
        return (taught.logits(job, held_out).argmax(axis=-1) == wanted[:, np.newaxis]).mean(axis=0)

    def shuffled(seed: int) -> list[bytes]:
        order = np.random.default_rng(seed).permutation(TAUGHT)
        given = [values_of(one, "teacher_logits") for one in training_examples]
        return [edited(one, teacher_logits=given[n]) for one, n in zip(training_examples, order, strict=True)]

    right = accuracies("right", list(training_examples), distillation=pure, members=SEEDS)
    plain = accuracies("plain", list(training_examples), targets="labels", members=SEEDS)
    wrong = [accuracies(f"wrong-{seed}", shuffled(seed), distillation=pure)[0] for seed in range(SEEDS)]
    commonest = np.bincount(wanted).max() / HELD_OUT

    assert min(right) > max(plain) + 0.05
    assert max(wrong) < min(right) - 0.25
    assert max(wrong) < min(plain)
    assert np.mean(wrong) < commonest + 0.05
