# The worker. torch's own packages bring the CUDA libraries, so the base need not: the NVIDIA container runtime adds the
# driver to any image that asks for it by the two variables below. The same image runs on the CPU.
#
# --build-arg TORCH_INDEX=<package index that has CPU builds of torch and torchvision> leaves the CUDA libraries out. Its
# builds have other hashes than the lock's, so for these two the version alone is held.
ARG BASE=python:3.11.14-slim-bookworm

FROM ${BASE} AS environment
ARG TORCH_INDEX=
COPY requirements/worker.txt /requirements.txt
COPY docker/cpu_requirements.py /cpu_requirements.py
RUN python3 -m venv /opt/odem \
    && if [ -z "${TORCH_INDEX}" ]; then \
         /opt/odem/bin/python -m pip install --no-cache-dir --require-hashes -r /requirements.txt; \
       else \
         python3 /cpu_requirements.py /requirements.txt /others.txt /torch.txt \
         && /opt/odem/bin/python -m pip install --no-cache-dir --no-deps --require-hashes -r /others.txt \
         && /opt/odem/bin/python -m pip install --no-cache-dir --no-deps --index-url "${TORCH_INDEX}" -r /torch.txt; \
       fi \
    && /opt/odem/bin/python -m pip uninstall --yes pip

FROM ${BASE}
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin odem \
    && install --directory --owner=odem --group=odem /data
ENV PATH=/opt/odem/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    ODEM_DATA_DIR=/data
COPY --from=environment /opt/odem /opt/odem
COPY requirements/worker.txt /app/requirements.txt
ARG REVISION=unknown
ARG VERSION=0.2.0
LABEL org.opencontainers.image.title="odem worker" \
      org.opencontainers.image.description="Continual model merging as a service: runs merges on a GPU or the CPU" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY registry /app/registry
COPY merging /app/merging
COPY worker /app/worker
WORKDIR /app
# Recorded in the provenance of every version.
RUN printf '%s\n' "${REVISION}" > registry/COMMIT
USER 10001:10001
VOLUME /data
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=4 CMD ["python", "-m", "worker.health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m"]
CMD ["worker"]
