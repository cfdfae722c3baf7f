"""Runs TeacherAdapter: writes the wrapped model, and tests it on a sample of raw examples."""

from __future__ import annotations

import json
import logging
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.utils import path_utils

from limbeck import events, files
from limbeck.components.artifacts.files import Artifacts, single_uris, split_files
from limbeck.components.artifacts.record_files import records_of
from limbeck.components.properties.code import task_of
from limbeck.errors import ConfigError
from limbeck.examples import TEST
from limbeck.objectives.objective import Objective
from limbeck.records import from_json
from limbeck.saved_teacher import SavedTeacher
from limbeck.trainer.distillation import inversion
from limbeck.trainer.serving import adapted

_log = logging.getLogger(__name__)


class Executor(base_executor.BaseExecutor):
    """A model of another pipeline, and adapted examples -> the model in the form of our teachers."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:  # noqa: N802
        """Called by TFX.

        Raises:
          ConfigError: if the model or its answers contradict the declaration.
        """
        import tensorflow_transform as tft

        uri = single_uris(input_dict, output_dict)
        task = task_of(exec_properties).load()
        teacher = from_json(SavedTeacher, exec_properties["teacher"])
        given = files.local_copy(path_utils.serving_model_path(uri["given_model"]))
        transform = tft.TFTransformOutput(files.local_copy(uri["transform_graph"]))
        sample = list(records_of(split_files(input_dict["examples"], TEST)))
        with files.written_locally(path_utils.serving_model_dir(uri["model"])) as folder:
            weights = adapted.save(given, teacher, task, transform, folder)
            _try(folder, teacher, task.objective, sample)
        history = json.dumps({"parameters": weights, "members": []})
        files.write_text(files.join(uri["model_run"], "history.json"), history)


def _try(folder: str, teacher: SavedTeacher, objective: Objective, examples: list[bytes]) -> None:
    """Raises ConfigError if the answers to some examples contradict the declaration."""
    import tensorflow as tf

    model = tf.saved_model.load(folder)
    answers = model.signatures["answers"](tf.constant(examples))["answers"].numpy()
    doubt = inversion.doubt(answers, teacher, objective)
    if doubt:
        raise ConfigError(
            f"the teacher is declared to answer {teacher.answers} as '{teacher.output}', but of the answers for "
            f"{len(examples)} examples {doubt}: name another output, or correct `answers`"
        )
    if teacher.answers == "logits" and inversion.seem_probabilities(answers, objective):
        told = (
            f"the teacher's output '{teacher.output}' is declared to be logits, but for {len(examples)} examples it "
            "looks like probabilities: if it is, say answers='probabilities'"
        )
        events.note(told, _log.warning)
