# One member of a cluster of our node; flags and ETCD_* variables are etcd's.
#
#   docker build -t quorate-node .
#   docker run -p 2379:2379 -v quorate:/data quorate-node

FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md ./
COPY checkers checkers
COPY harness harness
COPY nemesis nemesis
COPY nodeimpl nodeimpl
RUN python -m venv /opt/quorate && /opt/quorate/bin/pip install --no-cache-dir -c constraints.txt .

FROM python:3.12-slim
COPY --from=build /opt/quorate /opt/quorate
RUN useradd --system --create-home --home-dir /data quorate
USER quorate
VOLUME /data
EXPOSE 2379 2380 2381
ENV ETCD_DATA_DIR=/data/member.etcd \
    ETCD_LISTEN_CLIENT_URLS=http://0.0.0.0:2379 \
    ETCD_ADVERTISE_CLIENT_URLS=http://localhost:2379 \
    ETCD_LISTEN_PEER_URLS=http://0.0.0.0:2380 \
    ETCD_LISTEN_METRICS_URLS=http://0.0.0.0:2381
# The daemon hands its leadership over when it is told to stop.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/opt/quorate/bin/python", "-m", "nodeimpl"]
