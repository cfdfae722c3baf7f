"""Makes someone's model a teacher like any other."""
