"""The processes that run Beam's steps beside the pipeline: a job service, a worker pool, and workers."""
