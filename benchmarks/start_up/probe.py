"""An executor that tells when it is called, and ends the process.

It derives from the executor that is measured, so that both entrypoints import that and take it for what it is.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any, NoReturn

from benchmarks.start_up.plan import PROBED


def _probed() -> Any:
    module, _, name = os.environ[PROBED].rpartition(".")
    __import__(module)
    return getattr(sys.modules[module], name)


class Probe(_probed()):  # type: ignore[misc]
    """The executor that the environment names, without its work."""

    def Do(self, *given: Any, **named: Any) -> NoReturn:  # noqa: N802
        """Writes the time of CLOCK_MONOTONIC in nanoseconds, which all processes of a machine share."""
        os.write(1, f"\nreached {time.monotonic_ns()}\n".encode())
        os._exit(0)
