"""The pod of a step: a kernel namespace that only contains what a pod would contain."""
