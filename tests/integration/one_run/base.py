"""The first run, and how it is run again."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from tests.integration.runs import SHORT, Finished, run


@dataclasses.dataclass(frozen=True)
class Base:
    """The first run, and where it stands."""

    task: Path
    root: Path
    finished: Finished

    def again(self, *settings: str) -> Finished:
        """Runs once more in the same folder, with some settings changed."""
        return run(str(self.task), self.root, *SHORT, *settings)
