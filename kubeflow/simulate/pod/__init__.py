"""The pod of a step: a namespace of the kernel, with nothing in it but what a pod would have."""
