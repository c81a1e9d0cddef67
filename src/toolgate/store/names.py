"""What names, labels and URLs of the store may look like, with the error that says so."""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from toolgate.store.errors import BadInput

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
LABEL_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,62}")
MAX_TEXT = 200
MAX_LABELS = 32
MAX_URL = 2048


def check_name(place: str, name: str) -> str:
    """A name of a server or policy: letters, digits, `.`, `_`, `-`; at most 64; never the form of an id."""
    if not NAME.fullmatch(name):
        cause = f"`{shown(name)}` is not a name"
        raise BadInput(place, cause, "use 1 to 64 letters, digits, `.`, `_` or `-`, beginning with a letter or digit")
    if is_id(name):
        raise BadInput(place, f"`{name}` has the form of an id", "choose a name that no id can be mistaken for")
    return name


def check_text(place: str, text: str) -> str:
    """Free text on one line (a label, a principal): 1 to 200 characters that print, no space at either end."""
    if not text or text != text.strip() or len(text) > MAX_TEXT or not text.isprintable():
        cause = f"`{shown(text)}` is not a line of text"
        raise BadInput(place, cause, f"use 1 to {MAX_TEXT} printing characters without a space at either end")
    return text


def check_labels(place: str, labels: Mapping[str, str]) -> dict[str, str]:
    """Labels of a grant: what a policy reads as `grant.labels.KEY`."""
    if len(labels) > MAX_LABELS:
        raise BadInput(place, f"{len(labels)} labels are too many", f"use at most {MAX_LABELS}")
    for key, value in labels.items():
        if not LABEL_KEY.fullmatch(key):
            raise BadInput(place, f"`{shown(key)}` is not a label key", "use letters, digits, `_`, `-` or `.`")
        check_text(f"{place} `{key}`", value)
    return dict(labels)


def shown(text: str) -> str:
    """The user's words, cut and with everything that does not print escaped: safe on a terminal and in a log."""
    return escaped(text if len(text) <= 80 else text[:77] + "...")


def escaped(text: str) -> str:
    """The text with everything that does not print escaped: control characters, marks of direction, surrogates."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def is_id(text: str) -> bool:
    """Whether `text` is an id as the store writes them (a lower-case UUID)."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def check_url(place: str, url: str, *, allow_private: bool, permission: str = "--allow-private") -> str:
    """The address of an MCP server. What can be seen in the text is refused here; names are judged when resolved.

    Plain http only to this machine, or where private addresses are allowed (`permission` is how the operator says
    that); no credentials, no fragment.
    """
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        cause = f"`{shown(url)}` is not a URL"
        raise BadInput(place, cause, "write it in printable ASCII, international names in their `xn--` form")
    parts, host = _split(place, url)
    if parts.username is not None or parts.password is not None:
        raise BadInput(place, "the URL holds credentials", 'give them as a header: "Authorization: ..."')
    if "#" in url:
        raise BadInput(place, f"`{url}` has a fragment, which is never sent", "leave out what follows `#`")
    if not allow_private:
        _check_reach(place, parts.scheme, host, permission)
    return url


def _split(place: str, url: str) -> tuple[SplitResult, str]:
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise BadInput(place, f"`{url}` is not a URL: {error}", "write it as https://host/path") from error
    if parts.scheme not in ("http", "https") or not host:
        raise BadInput(place, f"`{url}` is not an http or https URL", "write it as https://host/path")
    return parts, host


def _check_reach(place: str, scheme: str, host: str, permission: str) -> None:
    if is_loopback(host):
        return
    if scheme == "http":
        cause = f"`http://{host}` would carry calls and credentials in the clear"
        raise BadInput(place, cause, f"use https, or say {permission} if this network is yours")
    address = _address(host)
    if address is not None and not address.is_global:
        cause = f"`{host}` is not a public address"
        raise BadInput(place, cause, f"say {permission} if this server may be reached")


def is_loopback(host: str) -> bool:
    """Whether the text of a host names this machine itself."""
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
