"""Finds what a person wants to see of a run: curves, confusions, calibration, slices, soft targets."""
