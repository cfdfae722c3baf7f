"""The driver: what KFP decides about a task before its container starts."""
