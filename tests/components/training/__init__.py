"""Tests of what the components share that train."""
