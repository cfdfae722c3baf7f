"""Tries a recipe on an untrained student, so that a student that cannot be compressed is told before any training.

Compressor is one of the last nodes, and hours of teachers may stand before it. Yet whether a student can be compressed
depends on its layers alone: which of them can be wrapped, and which of their operators LiteRT has. So the recipe is
carried out here but for its training, on a student with new weights that is then thrown away. It takes some seconds.

A training names this module and does not import it. Otherwise an edit of a technique would train teachers again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from limbeck import task_code
from limbeck.aliases import KerasModel
from limbeck.errors import TaskError
from limbeck.settings.compression import CompressionConfig
from limbeck.trainer.compression import litert, recipes, representative
from limbeck.trainer.compression.litert import Example
from limbeck.trainer.compression.technique import REMEDY
from limbeck.trainer.serving import compressed
from limbeck.trainer.session.models import build_model
from limbeck.trainer.session.session import Session

_EXAMPLES = 8


def check(session: Session) -> None:
    """Tries `planned_compression` of the job on its student, or on the student that is planned after its teachers.

    Raises:
      TaskError: if the student cannot be compressed. The message names the layer, the operator or the input, and what
        to do.
    """
    job = session.job
    if job.planned_compression is None:
        return
    student = job.planned() or job
    # Only the inputs of the examples are read.
    student = student.of_another("student", student.hyperparameters)
    assert_compressible(dataclasses.replace(session, job=student), job.planned_compression)


def assert_compressible(session: Session, config: CompressionConfig) -> None:
    """Refuses the student of a job, by a TaskError, if the recipe cannot compress it; for `auto`, if none can."""
    model = build_model(session)
    names = representative.taken(session, model)
    specs = compressed.input_specs(session.transform, names, session.who)
    examples = representative.examples(session, names, min(_EXAMPLES, config.representative))
    wanted = config.candidates if config.recipe == "auto" else (config.recipe,)
    refusals = []
    for recipe in wanted:
        try:
            if recipe != "none":
                _try(model, config.of(recipe), specs, examples, session.who)
        except TaskError as error:
            refusals.append(error)
        else:
            return
    raise refusals[0]


def _try(
    model: KerasModel, config: CompressionConfig, specs: Mapping[str, Any], examples: Sequence[Example], who: str
) -> None:
    stages = recipes.stages(config, 1, who)
    for technique, stage in stages:
        technique.check(model, stage)
    refusal = f"{who} cannot be compressed by recipe '{config.recipe}': build it from other layers, or {REMEDY}"
    for technique, stage in stages:
        with task_code.guarded(refusal):
            model = technique.strip(technique.wrap(model, stage), stage)
    litert.convert(model, specs, recipes.RECIPES[config.recipe].storage_of(config), examples, who)
