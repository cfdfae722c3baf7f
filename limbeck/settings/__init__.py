"""The settings: one tree of frozen dataclasses, a file a section, validated when built."""
