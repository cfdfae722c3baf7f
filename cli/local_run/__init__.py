"""A run on this machine: the process that runs the pipeline, and the files that it leaves in its folder."""
