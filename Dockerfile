# docker build -t discreet . && docker run --rm -p 8000:8000 --ulimit core=0 \
#   -v ./policy.toml:/etc/discreet/policy.toml:ro -v discreet-data:/data discreet
# compose.yaml says the same and keeps the rest of the container read-only.

FROM python:3.12-slim AS build
RUN python -m venv /usr/local/discreet
ENV PATH=/usr/local/discreet/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements/run.txt /build/requirements/run.txt
RUN pip install --no-deps --only-binary :all: --require-hashes -r /build/requirements/run.txt
COPY . /build
RUN pip install --no-deps --no-build-isolation /build

FROM python:3.12-slim
COPY --from=build /usr/local/discreet /usr/local/discreet
# A fixed number, so that the owner of a mounted /data can be set before the first start.
RUN groupadd --gid 10001 discreet \
    && useradd --uid 10001 --gid discreet --no-create-home --home-dir /data --shell /usr/sbin/nologin discreet \
    && install -d -o discreet -g discreet -m 0700 /data
ENV PATH=/usr/local/discreet/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER discreet
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["discreet"]
CMD ["serve", "--policy", "/etc/discreet/policy.toml", "--data", "/data", "--host", "0.0.0.0", "--port", "8000"]
