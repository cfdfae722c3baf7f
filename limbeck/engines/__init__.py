"""What runs the steps of Beam: one file an engine, and a registry."""
