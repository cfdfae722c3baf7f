"""Runs a job that compresses a trained student: builds it, applies the recipe, and writes the folder of the file.

The job has one process and one device, because a student that is worth compressing is small, and not all techniques of
tensorflow-model-optimization support several devices. It keeps no checkpoint: if an attempt dies, the next one starts
from the beginning.
"""

from __future__ import annotations

import dataclasses
import json

from limbeck import events, files
from limbeck.compression_record import CompressionRecord
from limbeck.records import to_json
from limbeck.settings.compression import CompressionConfig
from limbeck.trainer.compression import automatic, inspection
from limbeck.trainer.compression.automatic import Found
from limbeck.trainer.compression.making import Maker, student_of
from limbeck.trainer.data import damage
from limbeck.trainer.distillation.needs import without_teachers
from limbeck.trainer.job import TrainingJob
from limbeck.trainer.process.traffic import Meter
from limbeck.trainer.serving import compressed, export
from limbeck.trainer.session import finish, inputs
from limbeck.trainer.training import join_job


def run(job: TrainingJob) -> None:
    """Runs `job`, which has a `compression`, in this process.

    Writes the folder of `limbeck.trainer.serving.compressed` to `model_uri`, and `history.json` and `rank-0.json` to
    `record_uri`, as a training does.

    Raises:
      ConfigError: if the student is not the one that the task builds, or if no recipe of `auto` keeps the limits.
      TaskError: if the recipe cannot compress the student.
      DataError: if there is no representative example, or, for `auto`, no validation example with a label.
      TrainingFailedError: if the further training breaks down.
      PreemptedError: if the process was asked to end.
      DamagedDataError: if packed examples are not the ones that were packed.
    """
    session = join_job(job)
    config = job.compression
    if config is None or job.student_uri is None:
        raise ValueError("the job compresses nothing: run it by limbeck.trainer.training")
    student_steps = inputs.order_of(session, 0).steps
    session = dataclasses.replace(session, job=_tuned(job, config))
    with damage.told():
        narrowed = session.job.distillation != job.distillation
        _write(Maker.of(session, job.student_uri, config, narrowed=narrowed), student_steps)


def _tuned(job: TrainingJob, config: CompressionConfig) -> TrainingJob:
    """Returns the job with the settings of the further training.

    The loss compares no layers: a wrapped student has other layers, and its training calls no teacher.
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


def _write(maker: Maker, student_steps: int) -> None:
    session, config, meter = maker.session, maker.config, Meter()
    # Converts the student before any training: if it cannot be converted, it cannot be compressed.
    events.emit("phase", what="converting the student")
    before = maker.plain()
    found: Found | None = None
    if config.recipe == "auto":
        found = automatic.search(maker, student_steps)
        made = found.made
    elif config.recipe == "none":
        raise ValueError("a job that compresses has a recipe")
    else:
        made = maker.make(config.recipe)
    record = CompressionRecord(
        recipe=made.recipe,
        file=inspection.size_of(made.content),
        float32=inspection.size_of(before),
        tensors=inspection.tensors(made.content),
        float_operators=inspection.float_operators(made.content),
        remarks=made.remarks,
        search=None if found is None else found.record,
    )
    job = session.job
    files.remove_folder(job.model_uri)
    with files.written_locally(job.model_uri) as folder:
        transform = files.join(folder, compressed.TRANSFORM)
        compressed.save_transform(session.task, session.transform, maker.names, transform)
        files.write_bytes(files.join(folder, compressed.FILE), made.content)
        files.write_text(files.join(folder, compressed.RECORD), to_json(record))
    curves = [[dataclasses.asdict(point) for point in one.curve] for one in made.fitted]
    parameters = export.count_parameters([student_of(session, maker.student_uri)])
    history = {"parameters": parameters, "members": curves or [[]]}
    files.write_text(files.join(job.record_uri, "history.json"), json.dumps(history))
    finish.write_record(session, made.fitted, meter.read())
