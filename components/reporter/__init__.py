"""Computes what the report shows of a run: curves, confusion matrices, calibration, slices, soft targets."""
