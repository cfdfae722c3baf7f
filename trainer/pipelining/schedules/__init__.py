"""The schedules, one file each, and the registry that finds one by its name."""
