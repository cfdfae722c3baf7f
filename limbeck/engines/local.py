"""Engine `local`: Beam runs in the process of the pipeline, or in processes that this process starts."""

from __future__ import annotations

from limbeck.engines import rules
from limbeck.engines.kind import COUNTS, EngineKind, EngineSettings, Processes

# Beam imports the module, and calls the function to make the runner.
FORKING = "limbeck.beam_processes.forking.runner"


class Local(EngineKind):
    """Beam's own runner, on the machine of the pipeline."""

    name = "local"

    def check(self, settings: EngineSettings) -> None:
        """Refuses addresses."""
        rules.assert_no_processes(settings)
        rules.assert_no_cluster(settings)

    def flags(self, settings: EngineSettings, processes: Processes | None = None) -> tuple[str, ...]:
        """Returns flags that are the same in every run."""
        mode = "multi_processing" if settings.workers > 1 else "in_memory"
        return (
            f"--direct_num_workers={settings.workers}",
            f"--direct_running_mode={mode}",
            # Without an image, each Beam component of TFX builds a source distribution of TFX for remote workers.
            "--sdk_container_image=none",
            # The default from Beam 2.65 on. The earlier default, dill, is slow for the functions of Transform's stages.
            "--pickle_library=cloudpickle",
            # A worker is another process, which has not imported our modules yet.
            *((f"--runner={FORKING}", f"--beam_plugin={COUNTS}") if settings.workers > 1 else ()),
        )
