# syntax=docker/dockerfile:1
# The worker, the gateway and all commands. Built in one stage, run from another that holds no compiler and no installer, as a user
# without rights. A tag may be moved: where you build for others, put the digest that your registry shows behind it, as
# python:3.12.12-bookworm@sha256:…
FROM python:3.12.12-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv --without-pip /opt/tenure
# The locked dependencies change seldom: a layer of their own. Files of events are seldom Parquet where a worker runs, and
# what reads it is as large as all the rest.
COPY requirements/run.txt requirements/run.txt
RUN pip --python /opt/tenure/bin/python install --require-hashes --requirement requirements/run.txt \
    && pip --python /opt/tenure/bin/python uninstall --yes pyarrow duckdb
COPY requirements/native.txt requirements/native.txt
RUN python -m venv /opt/build && /opt/build/bin/python -m pip install --require-hashes --requirement requirements/native.txt
COPY pyproject.toml ./
COPY schemas schemas
COPY kpis kpis
# The usual events are folded by what is compiled here; without it the worker does the same, at a fifth of the speed.
COPY tools/build-native tools/build-native
RUN tools/build-native /opt/build/bin/python
COPY streams streams
COPY agents agents
COPY tenure tenure
COPY monitoring monitoring
# What lies in /opt/tenure/share/tenure: rules, boards, units.
COPY LICENSE ./
COPY prometheus/rules prometheus/rules
COPY alertmanager alertmanager
COPY grafana/dashboards grafana/dashboards
COPY deploy/systemd deploy/systemd
RUN /opt/build/bin/python -m hatchling build -t wheel -d /opt/wheel \
    && pip --python /opt/tenure/bin/python install --no-deps --no-index /opt/wheel/*.whl

FROM python:3.12.12-slim-bookworm
LABEL org.opencontainers.image.title="tenure" \
      org.opencontainers.image.description="Exact rolling retention, churn and drop-off, from Kafka to Prometheus"
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin tenure
COPY --from=build /opt/tenure /opt/tenure
# Nothing is written beside what is installed: containers run with a file system that is read only.
ENV PATH=/opt/tenure/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /var/lib/tenure
USER 10001
EXPOSE 9464 8464
STOPSIGNAL SIGTERM
ENTRYPOINT ["tenure"]
CMD ["worker"]
