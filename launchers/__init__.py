"""Where a training job's processes run: one module a place, chosen by name in `LAUNCHERS`."""
