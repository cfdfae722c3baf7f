"""Stops a run whose data are not what they should be."""
