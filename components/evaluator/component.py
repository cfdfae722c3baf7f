"""Evaluator: TFX's own component, with the metrics of the task's objective."""

from __future__ import annotations

from tfx.components import Evaluator
from tfx.dsl.components.base.base_node import BaseNode

from limbeck.components.evaluator.evaluation import OWN_METRICS, evaluation_config
from limbeck.components.graph.context import Context
from limbeck.examples import TEST

_MODULE = "limbeck.components.evaluator.evaluation"


def evaluator(context: Context, raw: BaseNode, student: BaseNode, teachers: BaseNode) -> Evaluator:
    """Makes the node `Evaluator`: the student on raw examples of the test split, with the teachers as its baseline."""
    node = Evaluator(
        examples=raw.outputs["examples"],
        model=student.outputs["model"],
        baseline_model=teachers.outputs["model"],
        eval_config=evaluation_config(context.task),
        example_splits=[TEST],
        module_path=_MODULE,
    )
    # TFX's Evaluator has no property for the digest. Without it, the cache would not see an edit of our extractors.
    node.exec_properties["code_digest"] = context.code_digest([_MODULE, *OWN_METRICS.values()])
    return node
