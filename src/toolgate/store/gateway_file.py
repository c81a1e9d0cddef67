"""`gateway.json`: where the gateway of a data directory listens, or last did."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

DEFAULT_URL = "http://127.0.0.1:8484"
NAME = "gateway.json"
_LIMIT = 4096


def gateway_url(data: Path) -> str:
    """The address that the gateway wrote when it last started, without a final slash, or the default."""
    try:
        with (data / NAME).open("rb") as file:
            url = json.loads(file.read(_LIMIT))["url"]
        known = isinstance(url, str) and url.isprintable() and urlsplit(url).scheme in ("http", "https")
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return DEFAULT_URL  # not started yet, or a file that is not ours
    return url.rstrip("/") if known else DEFAULT_URL
