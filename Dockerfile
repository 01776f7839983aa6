# syntax=docker/dockerfile:1
# The worker and all its commands. Built in one stage, run from another that holds no compiler, as a user without rights.
FROM python:3.12.9-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/tenure
# The locked dependencies change seldom: a layer of their own.
COPY requirements/run.txt requirements/run.txt
RUN /opt/tenure/bin/pip install --require-hashes --requirement requirements/run.txt
COPY pyproject.toml ./
COPY schemas schemas
COPY kpis kpis
COPY streams streams
COPY agents agents
COPY tenure tenure
RUN /opt/tenure/bin/pip install --no-deps .

FROM python:3.12.9-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin tenure
COPY --from=build /opt/tenure /opt/tenure
ENV PATH=/opt/tenure/bin:$PATH PYTHONUNBUFFERED=1
WORKDIR /var/lib/tenure
USER 10001
EXPOSE 9464
ENTRYPOINT ["tenure"]
CMD ["worker"]
