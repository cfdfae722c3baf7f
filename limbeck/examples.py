"""Names of the splits, and of the features that every transformed example has besides the task's own."""

from __future__ import annotations

EXAMPLE_ID = "example_id"
LABEL = "label"
STUDENT_LABEL = "student_label"
TEACHER_LOGITS = "teacher_logits"
# Replaces it if soft targets are stored in another form (`limbeck.trainer.distillation.stored.form`).
SOFT_TARGETS = "soft_targets"
# The serialized raw example, in the examples of `limbeck.components.example_adapter` until they are labelled.
RAW_EXAMPLE = "raw_example"
# The name of the served model's input for serialized examples. TFMA passes them under this name.
SERVING_INPUT = "examples"
RESERVED = frozenset({EXAMPLE_ID, LABEL, STUDENT_LABEL, TEACHER_LOGITS, SOFT_TARGETS, RAW_EXAMPLE})
UNLABELLED = -1

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS = (TRAIN, VALIDATION, TEST)
