# Adds a task of your own to the image: `make image TASK=folder`, or
#
#   docker build --file kubeflow/task.Dockerfile --build-arg IMAGE=limbeck:1 --build-arg FOLDER=/home/me/wine \
#       --tag limbeck-wine:1 /home/me/wine
#
# FOLDER is the absolute path that the folder has where the pipeline is compiled: containers look for it there.
ARG IMAGE
FROM ${IMAGE}
ARG FOLDER
USER 0
RUN case "${FOLDER}" in /?*) ;; *) echo "FOLDER must be an absolute path, received '${FOLDER}'" >&2; exit 1 ;; esac
COPY . ${FOLDER}
# Readable for the user of a container, and the folders above it (such as /root) passable.
RUN chmod -R a+rX "${FOLDER}" && place="${FOLDER}" && \
    while [ "${place}" != / ]; do place="$(dirname "${place}")"; chmod a+x "${place}"; done
USER 1000:1000
