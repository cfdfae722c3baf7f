"""Makes the strategy of this process, and answers the questions of the training code about it.

Code that depends on the name of a strategy must change with every new strategy. So no code here depends on the name:
everything that differs between strategies is in `limbeck.strategies`, with one file for each strategy.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from limbeck.aliases import InputContext, Strategy, Tensor
from limbeck.errors import ConfigError
from limbeck.settings.strategy import StrategyConfig
from limbeck.strategies.registry import STRATEGIES, strategy_kind


def build(config: StrategyConfig) -> Strategy:
    """Makes the tf.distribute.Strategy of this process. Call it before anything else uses TensorFlow.

    If the job has several processes, it blocks until all of them have called it.

    Raises:
      ConfigError: if this machine lacks devices that the configuration asks for.
    """
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        # Otherwise the first process takes all memory of the GPU.
        tf.config.experimental.set_memory_growth(gpu, True)
    if config.communication == "nccl" and not gpus:
        raise ConfigError("strategy.communication=nccl needs GPUs, and there is none: take ring or auto")
    return strategy_kind(config.name).build(config)


def leave(config: StrategyConfig) -> None:
    """Shuts down what `build` started. Call it in every process after the last sum, before the process ends."""
    strategy_kind(config.name).leave()


@contextlib.contextmanager
def scope(strategy: Strategy) -> Iterator[None]:
    """Returns `strategy.scope()` as a context in which a Keras optimizer can be built, whatever the strategy."""
    with contextlib.ExitStack() as scopes:
        scopes.enter_context(strategy.scope())
        for kind in STRATEGIES.values():
            scopes.enter_context(kind.variable_scope(strategy))
        yield


def local_replicas(strategy: Strategy) -> list[int]:
    """Returns the numbers, within the job, of the replicas of this process."""
    import tensorflow as tf

    found: list[int] = []

    def note(context: InputContext) -> Tensor:
        found.append(int(context.replica_id_in_sync_group))
        return tf.constant(0)

    strategy.experimental_distribute_values_from_function(note)
    return found
