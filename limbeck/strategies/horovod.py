"""Strategy `horovod`: several processes of one replica, whose gradients Horovod sums in a ring.

Horovod is no `tf.distribute` strategy, and its own launcher, optimizer and callbacks would need a second training loop.
Here only the sums and the first values of variables are Horovod's (`limbeck.strategies.horovod_ring`). Everything else
is that of `multi_worker_mirrored`: so loop, checkpoints, launchers and supervisor are the same.

Horovod is dormant: 0.28.1, of June 2023, is its last release.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from limbeck.aliases import Strategy
from limbeck.errors import ConfigError
from limbeck.strategies import devices, rules
from limbeck.strategies.kind import StrategyKind, StrategySettings

PACKAGE = "horovod"
# What the build leaves if it was told to build for TensorFlow.
_EXTENSION = "tensorflow/mpi_lib*.so"


class Horovod(StrategyKind):
    """A chief and workers. All of them train; Horovod sums their gradients over the network."""

    name = "horovod"

    def processes(self, settings: StrategySettings) -> int:
        """Returns `workers`, or 2 if it is not set."""
        return settings.workers or 2

    def check(self, settings: StrategySettings) -> None:
        """Refuses one process, logical devices, servers, and a choice of communication."""
        if settings.workers == 1:
            raise ConfigError(
                f"strategy '{self.name}' sums over several processes, but strategy.workers is 1: take 2 or more, or "
                "strategy.name=one_device"
            )
        rules.assert_no_servers(self.name, settings)
        rules.assert_no_logical_devices(self.name, settings)
        rules.assert_no_communication(self.name, settings)

    @property
    def is_installed(self) -> bool:
        """Whether the extra `horovod` is installed here."""
        return _has_extension(_folders())

    def check_machine(self, environment: Mapping[str, str], folders: Sequence[Path] | None = None) -> None:
        """Refuses a machine on which the extra `horovod` is not installed.

        Args:
          environment: is not looked at.
          folders: where the package may be; None: wherever Python finds it.
        """
        found = _folders() if folders is None else folders
        if not _has_extension(found):
            lacking = "is installed without its part for TensorFlow" if found else "is not installed"
            raise ConfigError(
                f"strategy '{self.name}' needs Horovod, which {lacking} here: run `make install-horovod`, which builds "
                "it in some minutes (with g++ and cmake), or take strategy.name=multi_worker_mirrored"
            )

    def build(self, settings: StrategySettings) -> Strategy:
        """Returns a `limbeck.strategies.horovod_ring.HorovodStrategy`. It blocks until every process has joined."""
        self.check_machine({})
        if devices.gpu_count() > 1:
            raise ConfigError(
                f"strategy '{self.name}' has one device in each process, and this one sees {devices.gpu_count()} GPUs: "
                "set strategy.workers to the number of GPUs, or take strategy.name=multi_worker_mirrored"
            )
        from limbeck.strategies.horovod_ring import HorovodStrategy

        return HorovodStrategy()

    def leave(self) -> None:
        """Ends Horovod's thread, in every process. Otherwise the chief takes a worker that has left for lost."""
        if PACKAGE in sys.modules:
            import horovod.tensorflow as hvd

            hvd.shutdown()


def _has_extension(folders: Sequence[Path]) -> bool:
    return any(any(folder.glob(_EXTENSION)) for folder in folders)


def _folders() -> list[Path]:
    """Returns the folders of the package, which is not imported."""
    found = importlib.util.find_spec(PACKAGE)
    return [Path(folder) for folder in (found.submodule_search_locations or ())] if found else []
