"""Chooses the examples that a member is trained and validated on, and splits each into model inputs and targets.

If a dataset mixed features, labels and teachers' logits, each model would have to pick its inputs. A model that picked
a label by accident would look perfect. Here the transform graph says what an input is, and the job says what a target
is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from limbeck import files
from limbeck.aliases import Dataset, Features, FeatureSpec, InputContext, Tensor
from limbeck.errors import ConfigError
from limbeck.objectives.objective import Objective
from limbeck.randomness import mix
from limbeck.strategies.registry import strategy_kind
from limbeck.trainer.asynchronous.batch_source import BatchSource
from limbeck.trainer.data.batches import Denominators, Partners, batches
from limbeck.trainer.data.input_pipeline import PerReplicaPipeline, replicas_of
from limbeck.trainer.data.mixup import assert_mixable, mixed
from limbeck.trainer.data.munge import assert_mungeable, munged
from limbeck.trainer.data.neighbours import Neighbours
from limbeck.trainer.data.order import Order
from limbeck.trainer.data.packed import shared
from limbeck.trainer.distillation.targets import all_targets, label_key, target_spec
from limbeck.trainer.distribution import strategies
from limbeck.trainer.fitting.evaluation import Split, evaluator
from limbeck.trainer.fitting.hooks import Validation
from limbeck.trainer.session.metrics import build_metrics
from limbeck.trainer.session.session import Session


def packed_spec(transform_graph_uri: str, objective: Objective) -> FeatureSpec:
    """Returns the feature spec of all features that a job, and the jobs that it tries, read from its examples."""
    import tensorflow_transform as tft

    from limbeck.trainer.serving.export import model_input_spec

    return model_input_spec(tft.TFTransformOutput(files.local_copy(transform_graph_uri))) | all_targets(objective)


def order_of(session: Session, member: int) -> Order:
    """Returns the order in which a member is trained on the examples.

    Args:
      session: the session of this process.
      member: number of the member, from 0. Each member has another permutation.
    """
    training = session.job.training
    examples = len(shared(session.job.examples_uri))
    return Order(examples, training.batch_size, training.epochs, seed=training.seed + member)


def examples_until(session: Session, order: Order) -> Callable[[int], int]:
    """Returns a function that takes a number of steps, and returns how many examples this process computed in them."""
    replicas, mine = session.strategy.num_replicas_in_sync, strategies.local_replicas(session.strategy)

    def until(steps: int) -> int:
        shares = (order.share(step, replica, replicas) for step in range(steps) for replica in mine)
        return sum(share.stop - share.start for share in shares)

    return until


def last_step(session: Session, order: Order) -> int:
    """Returns the number of steps of a training. If all batches must have the same size, only full batches count."""
    steps = order.full_steps if strategy_kind(session.job.strategy.name).fixed_shapes else order.steps
    return min(steps, session.job.most_steps or steps)


def input_pipeline(session: Session, order: Order, start: int) -> PerReplicaPipeline:
    """Returns the batches from step `start` on: (inputs by name, targets by name, `Denominators`), for each replica."""
    replicas, fixed = session.strategy.num_replicas_in_sync, strategy_kind(session.job.strategy.name).fixed_shapes

    def dataset_of(context: InputContext) -> Dataset:
        dataset = _dataset(session, order, replicas_of(session.strategy, context), replicas, start)
        return _of_fixed_shapes(dataset, order.batch_size, replicas) if fixed else dataset

    return PerReplicaPipeline(session.strategy, dataset_of)


def last_replica(session: Session, order: Order) -> Dataset:
    """Returns the last replica's part of all batches. Its part is never empty."""
    replicas = session.strategy.num_replicas_in_sync
    return _dataset(session, order, [replicas - 1], replicas, 0)


def validation(session: Session, model: Callable[..., Tensor], order: Order) -> Validation | None:
    """Returns the validation at the end of each epoch, which may end the training early. `model` gives the logits.

    Returns None if the job has no early stopping and the task has no metrics.

    Raises:
      TaskError: if the task's metrics cannot be built.
    """
    job, patience = session.job, session.job.training.early_stopping_patience
    metrics = build_metrics(session.task)
    if job.validation_uri is None or (patience is None and not metrics):
        return None
    split = validation_split(session, job.validation_uri)
    return Validation(evaluator(session.strategy, model, split, metrics), order.next_epoch_end, patience)


def validation_split(session: Session, folder: str) -> Split:
    """Returns the packed validation split in a folder, as the model of the job reads it."""
    from limbeck.trainer.serving.export import model_input_spec

    job = session.job
    inputs, key = model_input_spec(session.transform), label_key(job.entry)
    return Split(folder, inputs, key, job.training.batch_size, session.task.objective)


def _of_fixed_shapes(dataset: Dataset, batch_size: int, replicas: int) -> Dataset:
    """Returns the full batches of a replica, each with a shape that is known when the step is compiled."""
    import tensorflow as tf

    if batch_size % replicas:
        raise ConfigError(
            f"all {replicas} replicas must get equally many examples, but training.batch_size is {batch_size}: take a "
            f"multiple of {replicas}"
        )
    share = batch_size // replicas

    def fixed(inputs: Features, targets: Features, counts: Denominators) -> tuple[Any, ...]:
        sized = tf.nest.map_structure(lambda one: tf.ensure_shape(one, [share, *one.shape[1:]]), (inputs, targets))
        return *sized, counts

    full = dataset.filter(lambda _, targets, __: tf.shape(tf.nest.flatten(targets)[0])[0] == share)
    return full.map(fixed)


def batch_source(session: Session, order: Order) -> tuple[BatchSource, Callable[..., tuple[Any, ...]]]:
    """Returns the batches that a chief sends, and the function by which a worker converts one for `GradientStep`."""
    spec, prepare, partners, _ = _reading(session, order)
    if partners is not None:
        chosen = None if session.job.distillation is None else session.job.distillation.inputs
        raise ConfigError(
            f"distillation.inputs={chosen} needs a second example for each, which strategy 'parameter_server' does not "
            "hand out: take distillation.inputs=augmented, or strategy.name=multi_worker_mirrored"
        )

    def prepared(features: Features, counts: Denominators, positions: Tensor) -> tuple[Any, ...]:
        return prepare(features, counts, mix(positions, order.seed or 0))

    return BatchSource(shared(session.job.examples_uri), order, spec), prepared


def _dataset(session: Session, order: Order, mine: Sequence[int], replicas: int, start: int) -> Dataset:
    spec, prepare, partners, computed = _reading(session, order)
    dataset = batches(
        session.job.examples_uri,
        order,
        mine,
        replicas,
        spec,
        start=start,
        partners=partners,
        arrange=None if computed else prepare,
    )
    return dataset.map(prepare, num_parallel_calls=2, deterministic=True).prefetch(8) if computed else dataset


def _reading(
    session: Session, order: Order
) -> tuple[FeatureSpec, Callable[..., tuple[Any, ...]], Partners | None, bool]:
    """Returns the features to read, the function that makes a batch of them, its partners, and whether it computes."""
    from limbeck.trainer.serving.export import model_input_spec

    job = session.job
    inputs, targets = model_input_spec(session.transform), target_spec(job, session.task.objective)
    distillation = job.distillation
    chosen = "stored" if distillation is None else distillation.inputs
    partners: Partners | None = None
    if chosen == "mixup":
        assert_mixable(inputs, session.task.name)
        partners = order.partners
    elif chosen == "munge":
        assert_mungeable(inputs, session.task)
        partners = Neighbours(shared(job.examples_uri), sorted(inputs)).partners(order)
    # Stored soft targets belong to the original examples, so a student that learns from them gets no augmented inputs.
    augment = session.task.augment if job.entry == "teacher" or chosen != "stored" else None

    def prepare(features: Features, counts: Denominators, seeds: Tensor, *partners: Features) -> tuple[Any, ...]:
        given, *others = ({name: one[name] for name in inputs} for one in (features, *partners))
        wanted = {name: features[name] for name in targets}
        if distillation is not None and chosen == "munge":
            made = munged(given, others[0], seeds, distillation.munge_probability, distillation.munge_width)
            return made, wanted, counts
        if others:
            return mixed(given, others[0], seeds, augment), wanted, counts
        return (augment(given, seeds) if augment else given), wanted, counts

    return inputs | targets, prepare, partners, partners is not None or augment is not None
