"""The engines that run the steps of Beam: one file for each, and a registry."""
