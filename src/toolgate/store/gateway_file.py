"""`gateway.json`, `control.json`: where gateway and control plane of a data directory listen, or last did."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

DEFAULT_URL = "http://127.0.0.1:8484"
DEFAULT_CONTROL_URL = "http://127.0.0.1:8485"
NAME = "gateway.json"
CONTROL_NAME = "control.json"
_LIMIT = 4096


def gateway_url(data: Path) -> str:
    """The address that the gateway wrote when it last started, without a final slash, or the default."""
    return _url(data / NAME, DEFAULT_URL)


def control_url(data: Path) -> str:
    """The same for the control plane: where people administer."""
    return _url(data / CONTROL_NAME, DEFAULT_CONTROL_URL)


def write_control_url(data: Path, url: str) -> None:
    """Say where people administer. Of several control planes of one directory the last one that started counts."""
    (data / CONTROL_NAME).write_text(json.dumps({"url": url}))


def _url(file: Path, default: str) -> str:
    try:
        with file.open("rb") as opened:
            url = json.loads(opened.read(_LIMIT))["url"]
        known = isinstance(url, str) and url.isprintable() and urlsplit(url).scheme in ("http", "https")
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return default  # not started yet, or a file that is not ours
    return url.rstrip("/") if known else default
