"""Transformed examples -> batches."""
