# Build with `docker build -t shoal .`; run with
#   docker run --read-only -p 6001:6001 -p 9601:9601 -e SHOAL_APPS='[{"id":"1","key":"k","secret":"s"}]' shoal

FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/shoal
# The dependencies are a layer of their own: a change of the code doesn't install them anew.
COPY pyproject.toml README.md ./
COPY server/__init__.py server/__init__.py
RUN mkdir adapter && touch adapter/__init__.py && /opt/shoal/bin/pip install --no-cache-dir '.[sql]'
COPY adapter adapter
COPY server server
RUN /opt/shoal/bin/pip install --no-cache-dir --no-deps --force-reinstall . \
 && /opt/shoal/bin/python -m compileall -q /opt/shoal/lib

FROM python:3.13-slim
RUN groupadd --gid 10001 shoal && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin shoal
COPY --from=build /opt/shoal /opt/shoal
# Nothing is written at run time: the root file system may be read-only.
ENV PATH=/opt/shoal/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 SHOAL_HOST=0.0.0.0 SHOAL_LOG_FORMAT=json
USER 10001:10001
EXPOSE 6001 9601
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=2s --start-period=5s \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:9601/livez', timeout=2)"]
ENTRYPOINT ["shoal"]
CMD ["serve"]
