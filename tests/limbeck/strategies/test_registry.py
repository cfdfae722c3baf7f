"""The strategies as settings see them, without TensorFlow, and one more that is known to the registry alone."""

import subprocess
import sys

import pytest

from limbeck import records
from limbeck.errors import ConfigError
from limbeck.settings.config import Config
from limbeck.settings.strategy import StrategyConfig
from limbeck.strategies import rules
from limbeck.strategies.kind import StrategyKind
from limbeck.strategies.registry import STRATEGIES


class Toy(StrategyKind):
    name = "toy_spread"

    def processes(self, settings):
        return 3 * (settings.workers or 1)

    def check(self, settings):
        rules.assert_no_logical_devices(self.name, settings)
        if settings.workers == 13:
            raise ConfigError("a toy does not like 13 workers")

    def check_training(self, training):
        if training.precision == "mixed_float16":
            raise ConfigError("a toy does not like halves")

    def build(self, settings):
        raise NotImplementedError


@pytest.fixture
def toy(monkeypatch):
    monkeypatch.setitem(STRATEGIES, Toy.name, Toy())


def test_every_strategy_is_known_by_its_own_name_and_documented():
    assert set(STRATEGIES) == {
        "one_device",
        "mirrored",
        "multi_worker_mirrored",
        "central_storage",
        "tpu",
        "parameter_server",
        "horovod",
    }
    for name, kind in STRATEGIES.items():
        assert kind.name == name
        assert f"`{name}`:" in StrategyConfig.__doc__, (
            f"the attribute `name` of StrategyConfig does not tell of {name}"
        )


def test_settings_take_a_strategy_that_only_the_registry_knows(toy):
    assert records.from_mapping(StrategyConfig, {"name": "toy_spread"}).processes == 3
    assert records.from_mapping(StrategyConfig, {"name": "toy_spread", "workers": 4}).processes == 12
    whole = records.from_mapping(
        Config, {"strategy": {"name": "toy_spread"}, "training": {"precision": "mixed_bfloat16"}}
    )
    assert records.from_json(Config, records.to_json(whole)) == whole


@pytest.mark.parametrize(("values", "message"), [
    ({"strategy": {"name": "toy_spread", "workers": 13}}, "does not like 13 workers"),
    ({"strategy": {"name": "toy_spread", "logical_devices": 2}}, "'toy_spread' has one device in each process"),
    ({"strategy": {"name": "toy_spread"}, "training": {"precision": "mixed_float16"}}, "does not like halves"),
    ({"strategy": {"name": "toy_sprat"}}, r"'strategy\.name'.*received 'toy_sprat'\. Did you mean 'toy_spread'\?"),
])  # fmt: skip
def test_settings_refuse_what_that_strategy_refuses(toy, values, message):
    with pytest.raises(ConfigError, match=message):
        records.from_mapping(Config, values)


def test_without_the_registry_it_is_unknown():
    with pytest.raises(ConfigError, match=r"received 'toy_spread'\..* Known here: one_device, mirrored, "):
        StrategyConfig(name="toy_spread")


def test_settings_are_checked_without_tensorflow():
    program = (
        "import sys; from limbeck.settings.config import Config; from limbeck.settings.strategy import StrategyConfig; "
        "[StrategyConfig(name=name).processes for name in ('one_device', 'mirrored', 'central_storage')]; Config(); "
        "sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
