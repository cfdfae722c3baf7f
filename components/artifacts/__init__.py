"""Artifacts of TFX: types, places and files."""
