"""Settings section `beam`, and the flags that Beam gets for it."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT
from limbeck.settings.fields import Positive, operational

# One environment variable for each flag. TFX's cache key counts them, so no setting may change their number.
_VARIABLES = tuple(f"LIMBECK_BEAM_FLAG_{number}" for number in range(16))


@dataclass(frozen=True, config=STRICT)
class BeamConfig:
    """How Beam runs on the machine of the pipeline.

    Attributes:
      workers: processes of Beam; 1 keeps Beam in the process of the pipeline. More than one is faster from tens of
        megabytes of data on, and slower below.
    """

    workers: Positive = operational(1)

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags of every Beam pipeline."""
        mode = "multi_processing" if self.workers > 1 else "in_memory"
        return (
            f"--direct_num_workers={self.workers}",
            f"--direct_running_mode={mode}",
            # Without an image, each Beam component of TFX builds a source distribution of TFX for remote workers.
            "--sdk_container_image=none",
            # The default from Beam 2.65 on. The one before, dill, is slow with the functions of Transform's stages.
            "--pickle_library=cloudpickle",
        )

    def environment(self) -> dict[str, str]:
        """Returns the flags as environment variables. Their names are the same for all settings.

        The last flag fills the variables that are left: a repeated flag changes nothing, and an empty one would be
        refused.
        """
        flags = self.flags
        if len(flags) > len(_VARIABLES):
            raise ValueError(
                f"Beam is given {len(flags)} flags, and there are {len(_VARIABLES)} variables for them"
            )
        padded = flags + flags[-1:] * (len(_VARIABLES) - len(flags))
        return dict(zip(_VARIABLES, padded, strict=True))
