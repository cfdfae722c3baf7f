"""Records which teachers made the soft targets.

If a student learns from the soft targets of one teacher and is compared with another teacher, the comparison is
meaningless, and no error shows it. So a digest of the teachers' SavedModel is stored with the soft targets. A component
that takes soft targets and teachers compares the digests.
"""

from __future__ import annotations

from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import path_utils

from limbeck import files
from limbeck.components.artifacts.files import Artifacts
from limbeck.digests.content import folder_digest
from limbeck.errors import DataError

_DIGEST_FILE = "teacher-digest.txt"


def sign(labelled: standard_artifacts.Examples, teacher: str) -> None:
    """Writes the digest of a teacher (folder of a SavedModel) beside the splits of examples that it labelled."""
    files.write_text(files.join(labelled.uri, _DIGEST_FILE), folder_digest(teacher))


def assert_from(inputs: Artifacts, examples: str, teacher: str) -> None:
    """Compares soft targets with their teacher.

    Args:
      inputs: the inputs of an executor.
      examples: name of the input with examples and soft targets.
      teacher: name of the input with the teachers' model.

    Raises:
      DataError: if the examples have no soft targets, or those of another teacher.
    """
    labelled = artifact_utils.get_single_instance(inputs[examples])
    signature = files.join(labelled.uri, _DIGEST_FILE)
    if not files.exists(signature):
        raise DataError(
            f"the examples in {labelled.uri} are not labelled by TeacherLabeler: they hold no {_DIGEST_FILE}. Give "
            "the output 'labelled_examples' of TeacherLabeler"
        )
    model = artifact_utils.get_single_instance(inputs[teacher])
    made_by, given = files.read_text(signature), folder_digest(path_utils.serving_model_path(model.uri))
    if made_by != given:
        raise DataError(
            f"the soft targets in {labelled.uri} are those of another teacher (digest {made_by[:12]}) than the model "
            f"in {model.uri} (digest {given[:12]}): label the examples again with this teacher"
        )
