# The gateway, and the owner's command (`registry.admin`). No torch, no compiler, no package manager's cache.
ARG BASE=python:3.11.14-slim-bookworm

FROM ${BASE} AS environment
COPY requirements/gateway.txt /requirements.txt
RUN python3 -m venv /opt/odem \
    && /opt/odem/bin/python -m pip install --no-cache-dir --require-hashes -r /requirements.txt \
    && /opt/odem/bin/python -m pip uninstall --yes pip setuptools

FROM ${BASE}
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin odem \
    && install --directory --owner=odem --group=odem /data
ENV PATH=/opt/odem/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ODEM_DATA_DIR=/data \
    ODEM_HOST=0.0.0.0
COPY --from=environment /opt/odem /opt/odem
# What is installed, for whoever makes a bill of materials: the lock, and each package's own metadata in the environment.
COPY requirements/gateway.txt /app/requirements.txt
ARG REVISION=unknown
ARG VERSION=0.2.0
LABEL org.opencontainers.image.title="odem gateway" \
      org.opencontainers.image.description="Continual model merging as a service: HTTP in, records and doorbells out" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY registry /app/registry
# Of the merge methods only their recipes' fields, which need no other package.
COPY merging/__init__.py merging/recipes.py merging/recipes_gram.py merging/recipes_joint.py merging/recipe_fields.py /app/merging/
COPY service /app/service
WORKDIR /app
# Recorded in the provenance of every version.
RUN printf '%s\n' "${REVISION}" > registry/COMMIT
USER 10001:10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-m", "service.healthcheck"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m"]
CMD ["service"]
