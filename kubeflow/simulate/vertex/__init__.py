"""What Vertex AI does with a compiled job, as far as its documentation tells, and a Cloud Storage to do it on."""
