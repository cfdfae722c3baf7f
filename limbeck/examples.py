"""Names that every process uses for splits, and for what the transformed examples hold besides the task's features."""

from __future__ import annotations

EXAMPLE_ID = "example_id"
LABEL = "label"
STUDENT_LABEL = "student_label"
TEACHER_LOGITS = "teacher_logits"
# What the served model calls its serialized examples; TFMA takes a feature of this name for them.
SERVING_INPUT = "examples"
RESERVED = frozenset({EXAMPLE_ID, LABEL, STUDENT_LABEL, TEACHER_LOGITS})
UNLABELLED = -1

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS = (TRAIN, VALIDATION, TEST)
