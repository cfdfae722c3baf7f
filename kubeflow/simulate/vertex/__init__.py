"""Simulates Vertex AI with a compiled job, as far as its documentation says, and a Cloud Storage for the job."""
