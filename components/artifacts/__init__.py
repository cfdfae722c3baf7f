"""TFX artifacts: types, places and files."""
