"""The compile step, which makes an Argo Workflow from a pipeline, and the part of Argo that runs it."""
