"""Models inside Beam."""
