"""What a check changes of the settings."""

from __future__ import annotations

import dataclasses

from limbeck.cli.checking import plan
from limbeck.settings.config import Config
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.teachers import TeachersConfig
from limbeck.settings.training import TrainingConfig


def test_what_a_step_costs_stays_as_it_is():
    given = Config(
        training=TrainingConfig(epochs=50, batch_size=256, precision="mixed_bfloat16", clip_norm=1.0),
        teachers=TeachersConfig(count=5, hyperparameters={"units": 9}),
        strategy=StrategyConfig("mirrored", logical_devices=2),
    )

    checked = plan.settings(given)

    assert dataclasses.replace(checked.training, steps_per_call=20) == given.training
    assert checked.strategy == given.strategy
    assert checked.teachers == dataclasses.replace(given.teachers, count=1)


def test_one_process_trains_and_is_not_restarted():
    checked = plan.settings(Config(controls=False))

    assert checked.strategy.processes == 1
    assert checked.recovery.restarts == 0
    assert checked.controls


def test_every_node_of_the_plan_is_one_of_the_pipeline(tmp_path):
    from limbeck.components.graph.context import Storage
    from tests.integration import graphs

    ir = graphs.whole().compiled(Storage(*(str(tmp_path / one) for one in "abcd")), tmp_path / "metadata")

    ids = [node.pipeline_node.node_info.id for node in ir.nodes]
    assert [one for one in ids if one in plan.NODES] == [one for one in ids if one in set(plan.NODES)]
    assert set(plan.NODES) <= set(ids)
