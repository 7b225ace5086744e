# Our node, and the interpreter it needs:
#   docker build -t quorate .
# An engine whose build containers have no network (`dockerd --bridge=none`, say) builds in this machine's:
#   docker build --network host -t quorate .
# Without Docker Hub, give another base, any with Python 3.11 or newer and its venv (docs/REAL_CLUSTERS.md makes one):
#   docker build -t quorate --build-arg BASE_IMAGE=my-registry/python:3.12-slim .
ARG BASE_IMAGE=python:3.12-slim
FROM ${BASE_IMAGE}

WORKDIR /quorate
COPY pyproject.toml constraints.txt README.md ./
COPY harness harness
COPY nodeimpl nodeimpl
COPY nemesis nemesis
COPY checkers checkers
RUN python3 -m venv /venv && /venv/bin/pip install --no-cache-dir -c constraints.txt .
ENV PATH=/venv/bin:$PATH
EXPOSE 2379 2380
ENTRYPOINT ["python3", "-m", "nodeimpl"]
