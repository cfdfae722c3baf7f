# Makes an image for the workers of beam.engine=dataflow out of the image of the steps. It was never built:
#
#   docker build --file kubeflow/dataflow.Dockerfile --build-arg IMAGE=limbeck:1 --tag limbeck-dataflow:1 kubeflow
#
# The version of Beam's image must be that of the locked package.
ARG IMAGE
ARG BEAM=apache/beam_python3.10_sdk:2.64.0
FROM ${BEAM} AS beam
FROM ${IMAGE}
# The program that Dataflow starts in the image, and what it reads.
COPY --from=beam /opt/apache/beam /opt/apache/beam
# Else it makes an environment of its own for each worker, and installs packages into it.
ENV RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1
USER 0
ENTRYPOINT ["/opt/apache/beam/boot"]
