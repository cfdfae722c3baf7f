"""Runs a job that compresses a trained student: builds it, applies the recipe, and writes the folder of the file.

The job has one process and one device. A student that is worth compressing is small, and tensorflow-model-optimization
supports one device only in all of its techniques. It keeps no checkpoint: an attempt that dies is made again.
"""

from __future__ import annotations

import dataclasses
import json

from limbeck import events, files
from limbeck.aliases import KerasModel
from limbeck.compression_record import CompressionRecord
from limbeck.records import to_json
from limbeck.settings.compression import CompressionConfig
from limbeck.trainer.compression import inspection, litert, recipes, representative, tuning
from limbeck.trainer.data import damage
from limbeck.trainer.distillation.needs import without_teachers
from limbeck.trainer.distribution import strategies
from limbeck.trainer.fitting.progress import Fitted
from limbeck.trainer.job import TrainingJob
from limbeck.trainer.serving import compressed, export
from limbeck.trainer.session import finish, saved_weights
from limbeck.trainer.session.models import build_model
from limbeck.trainer.session.session import Session
from limbeck.trainer.training import join_job


def run(job: TrainingJob) -> None:
    """Runs `job`, which has a `compression`, in this process.

    Writes the folder of `limbeck.trainer.serving.compressed` to `model_uri`, and `history.json` and `rank-0.json` to
    `record_uri`, as a training does.

    Raises:
      ConfigError: if the student is not the one that the task builds.
      TaskError: if the recipe cannot compress the student.
      DataError: if there is no representative example.
      TrainingFailedError: if the further training breaks down.
      PreemptedError: if the process was asked to end.
      DamagedDataError: if packed examples are not the ones that were packed.
    """
    session = join_job(job)
    config = job.compression
    if config is None or job.student_uri is None:
        raise ValueError("the job compresses nothing: run it by limbeck.trainer.training")
    session = dataclasses.replace(session, job=_tuned(job, config))
    # Before anything is drawn: k-means++ begins with random weights.
    _seed(job)
    student = build_model(session)
    saved_weights.load(student, job.student_uri, session.who, "build_student")
    with damage.told():
        _write(session, config, student, narrowed=session.job.distillation != job.distillation)


def _tuned(job: TrainingJob, config: CompressionConfig) -> TrainingJob:
    """Returns the job with the settings of the further training.

    A wrapped student has other layers than the student that was compared with the teacher, and no teacher is beside it.
    """
    training = dataclasses.replace(
        job.training,
        epochs=config.epochs,
        learning_rate=config.learning_rate,
        warmup_steps=0,
        early_stopping_patience=None,
    )
    distillation = job.distillation and without_teachers(job.distillation)
    return dataclasses.replace(job, training=training, distillation=distillation)


def _seed(job: TrainingJob) -> None:
    import tf_keras

    tf_keras.utils.set_random_seed(job.training.seed)


@dataclasses.dataclass(frozen=True)
class _Made:
    """What the techniques of a recipe made: the model to convert, what each of them did, and sentences on it."""

    model: KerasModel
    fitted: tuple[Fitted, ...]
    remarks: tuple[str, ...]


def _write(session: Session, config: CompressionConfig, student: KerasModel, *, narrowed: bool) -> None:
    job, recipe, who = session.job, recipes.RECIPES[config.recipe], session.who
    names = representative.taken(session, student)
    specs = compressed.input_specs(session.transform, names, who)
    examples = representative.examples(session, names, config.representative)
    # Before any training: a student that cannot be converted cannot be compressed.
    events.emit("phase", what="converting the student")
    before = litert.convert(student, specs, "float32", examples, who)
    made = _apply(session, config, student, narrowed=narrowed)
    events.emit("phase", what="converting the compressed student")
    content = litert.convert(made.model, specs, recipe.storage_of(config), examples, who)
    record = CompressionRecord(
        recipe=config.recipe,
        file=inspection.size_of(content),
        float32=inspection.size_of(before),
        tensors=inspection.tensors(content),
        float_operators=inspection.float_operators(content),
        remarks=made.remarks,
    )
    files.remove_folder(job.model_uri)
    with files.written_locally(job.model_uri) as folder:
        compressed.save_transform(session.task, session.transform, names, files.join(folder, compressed.TRANSFORM))
        files.write_bytes(files.join(folder, compressed.FILE), content)
        files.write_text(files.join(folder, compressed.RECORD), to_json(record))
    curves = [[dataclasses.asdict(point) for point in one.curve] for one in made.fitted]
    history = {"parameters": export.count_parameters([student]), "members": curves or [[]]}
    files.write_text(files.join(job.record_uri, "history.json"), json.dumps(history))
    finish.write_record(session, made.fitted)


def _apply(session: Session, config: CompressionConfig, student: KerasModel, *, narrowed: bool) -> _Made:
    """Trains the student further with each technique of the recipe, one after the other.

    `narrowed` says whether the loss is less than what the student was trained with.
    """
    stages = recipes.stages(config, tuning.steps_of(session), session.who)
    for technique, stage in stages:
        technique.check(student, stage)
    model, fitted, remarks = student, [], []
    for place, (technique, stage) in enumerate(stages):
        remarks.append(technique.remark(model, stage))
        with strategies.scope(session.strategy):
            wrapped = technique.wrap(model, stage)
        fitted.append(tuning.tune(session, wrapped, place))
        model = technique.strip(wrapped, stage)
    if remarks and narrowed:
        remarks.append(
            "The further training heard the stored soft targets only: no transfer objective of layers, and no other "
            "inputs."
        )
    return _Made(model, tuple(fitted), tuple(remarks))
