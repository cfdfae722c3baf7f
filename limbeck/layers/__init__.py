"""Layers for models of tasks."""
