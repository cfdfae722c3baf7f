"""What a check runs: which nodes, how much of the data, and with which settings.

The nodes are those of the pipeline. A check leaves out the nodes that need a trained teacher, which judge and ship.
"""

from __future__ import annotations

import dataclasses

from limbeck.models import HARD_LABELS, MODELS, TEACHER
from limbeck.settings.config import Config
from limbeck.settings.launcher import LauncherConfig
from limbeck.settings.recovery import RecoveryConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.trial import Trial

TRIAL = Trial(rows=2000, steps=12)
# The first call also traces the step. Two further calls are measured.
_STEPS_PER_CALL = 4
# Only the student that needs no teacher is trained, because all students are the same model.
TRAININGS = {"teacher": MODELS[TEACHER].node, "student": MODELS[HARD_LABELS].node}
# AnomalyStop reports what a run keeps for later runs, but a check keeps nothing.
SILENT = frozenset({"AnomalyStop"})
NODES = (
    *("ExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator", "AnomalyStop", "Transform"),
    *TRAININGS.values(),
)


def settings(config: Config) -> Config:
    """Returns the settings of a check.

    One teacher is trained instead of several, in one process on this machine, and it is not restarted after a failure.
    The rows of a sample may be sorted, so splits are not compared.
    """
    several = config.strategy.processes > 1
    return dataclasses.replace(
        config,
        controls=True,
        drift=dataclasses.replace(config.drift, skew_threshold=1.0),
        strategy=StrategyConfig("one_device") if several else config.strategy,
        training=dataclasses.replace(config.training, steps_per_call=_STEPS_PER_CALL),
        teachers=dataclasses.replace(config.teachers, count=1),
        launcher=LauncherConfig(),
        recovery=RecoveryConfig(restarts=0),
    )
