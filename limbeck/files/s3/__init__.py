"""`s3://bucket/key`, and `minio://bucket/key` for the object store of Kubeflow Pipelines. TensorFlow opens neither.

An object store has keys and no folders. `a/b` is in the folder `a` because its key begins with `a/`; `a_b/c` also
begins with `a`, but is elsewhere. Web consoles represent an empty folder by an object of no bytes whose key ends in a
slash. Such a marker is a folder, and never a file.
"""
