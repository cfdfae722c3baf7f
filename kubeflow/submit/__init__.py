"""Hands a compiled pipeline to Kubeflow Pipelines or Vertex AI, with their own clients, and watches the run."""
