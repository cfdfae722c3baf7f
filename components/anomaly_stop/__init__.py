"""Stops a run if its data differ from what they should be."""
