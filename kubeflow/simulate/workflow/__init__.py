"""The compile step, which makes an Argo Workflow of a pipeline, and the part of Argo that runs it."""
