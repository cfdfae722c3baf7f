"""A training job inside one of its processes: build, fit each member, export.

Every process runs the same steps. Only the chief exports: it rebuilds each model outside the strategy and copies
the weights, because saving a distributed model makes the chief wait for peers that do not save.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from limbeck import events
from limbeck.errors import TaskError, UserError
from limbeck.rank_record import RankRecord
from limbeck.records import to_json
from limbeck.task import Task
from trainer.data.ingestion import Denominators, Order, PackedExamples, batches, replicas_of
from trainer.distillation.targets import label_key, loss_of, target_spec
from trainer.distribution import cluster, farewell, rendezvous, strategies
from trainer.fitting import optimization, precision
from trainer.fitting.evaluation import Split, evaluator
from trainer.fitting.loop import Fitted, Hooks, Progress, Validation, fit
from trainer.fitting.summaries import Summaries
from trainer.job import TrainingJob
from trainer.process import heartbeat, preemption
from trainer.recovery import exactness, job_digest
from trainer.recovery.resumption import Saved

_log = logging.getLogger(__name__)
_RANK = 2


def run(job: TrainingJob) -> None:
    """Runs `job` in this process, as the role that TF_CONFIG names.

    Raises:
      TaskError: where the task's model is not what `Task` asks for.
      UserError: where the processes of the job do not run the same.
      TrainingFailedError: where training breaks down, or a checkpoint cannot be written.
      PreemptedError: where a process of the job was asked to end; what was reached is saved.
    """
    import tensorflow_transform as tft

    me = cluster.from_environment()
    # The strategy comes first: it must find the TensorFlow of this process unused.
    with heartbeat.silence(heartbeat.JOINING_SECONDS):
        strategy = strategies.build(job.strategy)
    preemption.listen()
    if me.processes > 1:
        # A digest of this process' own making: what it was handed would be the same in all of them.
        rendezvous.meet(me, rendezvous.identity_of(job_digest.digest(job)))
    transform = tft.TFTransformOutput(job.transform_graph_uri)
    _Session(job, strategy, job.task.load(), transform, me).run()


@dataclasses.dataclass(frozen=True)
class _Session:
    job: TrainingJob
    strategy: Any
    task: Task
    transform: Any
    me: cluster.ClusterTask

    def run(self) -> None:
        models, fitted = [], []
        for member in range(self.job.members):
            weights, result = self._fit(member)
            fitted.append(result)
            if self.me.is_chief:
                models.append(self._copy(weights))
        if self.me.is_chief:
            self._export(models, fitted)
        self._write_record(fitted)
        farewell.leave_together(self.me)

    def _fit(self, member: int) -> tuple[list[Any], Fitted]:
        """Trains a member; gives its weights, and what this process did."""
        import tf_keras

        training = self.job.training
        examples = len(PackedExamples(Path(self.job.examples_uri)))
        order = Order(examples, training.batch_size, training.epochs, seed=training.seed + member)
        if member == 0 and self.me.is_chief:
            self._warn_of_inexact_parts()
        # Initial weights come from Keras' global generator; every process must draw the same ones.
        tf_keras.utils.set_random_seed(training.seed + member)
        with precision.policy(training.precision):
            with strategies.scope(self.strategy):
                model = self._build()
                optimizer = _optimizer(self.task, optimization.schedule(training, order.steps))
                loss_scale = precision.loss_scale(training, optimizer)
                # Before a checkpoint is looked for: a training that goes on is traced as one that begins.
                optimizer.build(model.trainable_variables)
            saved = Saved(self.job, member, self.strategy, self.me.is_chief)
            start = saved.restore(model, optimizer, self._examples_until(order))
            with self._summaries(member, start) as summaries:
                result = fit(
                    self.strategy,
                    model,
                    optimizer,
                    loss_of(self.job, self.task.objective),
                    lambda context: self._dataset(order, context, start.steps),
                    steps=order.steps,
                    start=start,
                    hooks=Hooks(
                        validation=self._validation(model, order),
                        report=lambda progress: self._report(member, progress, summaries),
                        save=saved.hook(model, optimizer),
                        save_every=self.job.checkpoint.steps,
                        stop_requested=preemption.requested,
                    ),
                    steps_per_call=training.steps_per_call,
                    clip_norm=training.clip_norm,
                    loss_scale=loss_scale,
                )
        # Every process reads: some weights are means over all replicas.
        return model.get_weights(), result

    def _examples_until(self, order: Order) -> Callable[[int], int]:
        """Steps done -> examples that this process computed in them."""
        replicas, mine = self.strategy.num_replicas_in_sync, strategies.local_replicas(self.strategy)

        def examples_until(steps: int) -> int:
            shares = (order.share(step, replica, replicas) for step in range(steps) for replica in mine)
            return sum(share.stop - share.start for share in shares)

        return examples_until

    def _warn_of_inexact_parts(self) -> None:
        optimizer = _optimizer(self.task, self.job.training.learning_rate)
        told = exactness.warning(self._build(), optimizer)
        if told:
            _log.warning("%s", told)
            events.emit("note", text=told)

    def _build(self) -> Any:
        builders: dict[str, Callable[..., Any]] = {
            "teacher": self.task.build_teacher,
            "student": self.task.build_student,
        }
        try:
            built = builders[self.job.entry](self.job.hyperparameters)
        except UserError:
            raise
        except Exception as error:
            # To be told from a process that was lost: another try would fail as well.
            where = "".join(
                [*traceback.format_tb(error.__traceback__)[1:], *traceback.format_exception_only(error)]
            )
            raise TaskError(
                f"task '{self.task.name}' cannot build its {self.job.entry}:\n{where.rstrip()}"
            ) from error
        return checked(built, self.task)

    def _dataset(self, order: Order, context: Any, start: int) -> Any:
        from trainer.serving.export import model_input_spec

        replicas = self.strategy.num_replicas_in_sync
        inputs, targets = model_input_spec(self.transform), target_spec(self.job, self.task.objective)
        mine = replicas_of(self.strategy, context)
        dataset = batches(self.job.examples_uri, order, mine, replicas, inputs | targets, start=start)
        augment = self.task.augment if self.job.entry == "teacher" else None

        def prepare(features: dict[str, Any], counts: Denominators, seeds: Any) -> tuple[Any, ...]:
            given = {name: features[name] for name in inputs}
            wanted = {name: features[name] for name in targets}
            return (augment(given, seeds) if augment else given), wanted, counts

        return dataset.map(prepare, num_parallel_calls=2, deterministic=True).prefetch(8)

    def _validation(self, model: Any, order: Order) -> Validation | None:
        from trainer.serving.export import model_input_spec

        job, patience = self.job, self.job.training.early_stopping_patience
        if patience is None or job.validation_uri is None:
            return None
        inputs = model_input_spec(self.transform)
        key, size = label_key(job.entry), job.training.batch_size
        split = Split(job.validation_uri, inputs, key, size, self.task.objective)
        return Validation(evaluator(self.strategy, model, split), order.next_epoch_end, patience)

    def _copy(self, weights: list[Any]) -> Any:
        copy = self._build()
        copy.set_weights(weights)
        return copy

    def _export(self, models: list[Any], fitted: list[Fitted]) -> None:
        import tensorflow as tf

        from trainer.serving import export

        events.emit("phase", what="exporting the model")
        if tf.io.gfile.exists(self.job.model_uri):
            # An export that was killed leaves files which no other would overwrite, and which would be served.
            tf.io.gfile.rmtree(self.job.model_uri)
        export.save(models, self.task, self.transform, self.job.model_uri)
        history = {
            "parameters": export.count_parameters(models),
            "members": [[dataclasses.asdict(point) for point in one.curve] for one in fitted],
        }
        (Path(self.job.record_uri) / "history.json").write_text(json.dumps(history), encoding="utf-8")

    def _write_record(self, fitted: list[Fitted]) -> None:
        record = RankRecord(
            role=self.me.role,
            rank=self.me.rank,
            steps=sum(one.steps for one in fitted),
            examples=sum(one.examples for one in fitted),
            seconds=sum(one.seconds for one in fitted),
        )
        (Path(self.job.record_uri) / f"rank-{self.me.rank}.json").write_text(to_json(record), encoding="utf-8")

    @contextlib.contextmanager
    def _summaries(self, member: int, start: Fitted) -> Iterator[Summaries | None]:
        """TensorBoard's events of a member, which the chief alone writes; those of an earlier try first."""
        if not self.me.is_chief:
            yield None
            return
        summaries = Summaries(self.job.record_uri, member)
        for progress in start.curve:
            summaries.add(progress)
        try:
            yield summaries
        finally:
            summaries.close()

    def _report(self, member: int, progress: Progress, summaries: Summaries | None) -> None:
        if summaries is None:
            return
        summaries.add(progress)
        job, point = self.job, dataclasses.asdict(progress)
        _log.info("%s %d of %d: %s", job.entry, member + 1, job.members, point)
        events.emit("training", entry=job.entry, member=member, members=job.members, **point)


def _optimizer(task: Task, schedule: Any) -> Any:
    import tf_keras

    optimizer = (task.build_optimizer or tf_keras.optimizers.Adam)(schedule)
    if not isinstance(optimizer, tf_keras.optimizers.Optimizer):
        kind = f"{type(optimizer).__module__}.{type(optimizer).__name__}"
        raise TaskError(f"task '{task.name}' must build a tf_keras.optimizers.Optimizer, but built a {kind}")
    return optimizer


def checked(model: Any, task: Task) -> Any:
    """Returns `model` where it is a tf_keras model that ends as the objective asks; otherwise raises TaskError."""
    import tf_keras

    if not isinstance(model, tf_keras.Model):
        kind = f"{type(model).__module__}.{type(model).__name__}"
        raise TaskError(f"task '{task.name}' must build a tf_keras.Model, but built a {kind}")
    objective = task.objective
    if len(model.output_shape) != _RANK or model.output_shape[-1] != objective.outputs:
        raise TaskError(
            f"a model of task '{task.name}' must end in {objective.output_words}, but ends in {model.output_shape}"
        )
    return model
