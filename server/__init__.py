"""Answers requests with the students that were pushed. It runs in an environment of its own.

The server is KServe's ModelServer. It needs a protobuf that TFX cannot have, so it is installed apart from TFX
(`make install-server`), and nothing here imports a module of Limbeck outside of this folder but `limbeck.temporary`.
KServe brings the protocols (Open Inference Protocol by REST and gRPC), health and metrics. What it lacks is here:
versions of a folder that are taken up and taken back under load, TensorFlow Serving's shapes of a request, batches, and
several processes on the same ports whose metrics add up.
"""
