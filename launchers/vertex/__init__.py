"""Trains in custom jobs of Vertex AI: `launcher.name=vertex`."""
