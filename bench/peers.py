"""nginx as the fixed upstream and as the proxy to compare with, each on a core of its own."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

CONF = """
daemon off; worker_processes 1; pid {folder}/{name}.pid; error_log {folder}/{name}.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; client_body_temp_path {folder}/{name}.body;
  proxy_temp_path {folder}/{name}.proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream answer {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 100000000; }}
  server {{ listen 127.0.0.1:{port}; {location} }}
}}
"""
ANSWERS = "location / {{ default_type application/json; return 200 '{answer}'; }}"
PASSES = "location / { proxy_pass http://answer; proxy_http_version 1.1; proxy_set_header Connection ''; }"


def nginx(folder: Path, name: str, port: int, location: str, upstream: int) -> tuple[str, ...]:
    """The command of an nginx that listens on `port`; `upstream` is where it passes requests to."""
    conf = folder / f"{name}.conf"
    conf.write_text(CONF.format(folder=folder, name=name, port=port, upstream=upstream, location=location))
    return ("nginx", "-c", str(conf), "-p", str(folder))


@contextmanager
def running(core: int, *command: str) -> Iterator[psutil.Process]:
    """A command on one core; gives the process that works (nginx's worker, not its master)."""
    with subprocess.Popen(["taskset", "-c", str(core), *command]) as process:
        try:
            time.sleep(0.7)
            parent = psutil.Process(process.pid)
            children = parent.children()
            yield children[0] if children else parent
        finally:
            process.terminate()
