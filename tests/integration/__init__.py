"""Whole runs of the pipeline, by the command line, as a user starts them."""
