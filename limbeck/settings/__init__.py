"""The settings: one tree of frozen dataclasses. Each section has a file, and is validated when it is built."""
