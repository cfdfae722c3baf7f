"""The benchmark of the languages task."""
