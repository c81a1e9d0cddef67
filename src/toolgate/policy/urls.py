"""URLs and addresses, read so strictly that every fetcher agrees on the host, or not at all.

Sources: WHATWG URL (host parsing, numeric hosts), RFC 3986, CVE-2026-80347, CVE-2026-48782 (address notations).
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network

Host = str | IPv4Address | IPv6Address
_SCHEMES = frozenset({"http", "https", "ws", "wss", "ftp"})
_AUTHORITY = re.compile(r"([A-Za-z]+)://([^/?#]*)(.*)", re.DOTALL)
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\x9f\\\u2028\u2029]")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_PORT = re.compile(r":[0-9]{1,5}", re.ASCII)

_LOCAL_4 = tuple(
    IPv4Network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
)
_GLOBAL_6 = IPv6Network("2000::/3")
_LOCAL_6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "3fff::/20")))
_NAT64 = IPv6Network("64:ff9b::/96")
_ISATAP = (0x00005EFE, 0x02005EFE)


def host_of_url(text: str) -> Host | None:
    """The host of an absolute http, https, ws, wss or ftp URL; None where two readers could disagree about it."""
    found = _AUTHORITY.fullmatch(text)
    if found is None or _UNSAFE.search(text):
        return None
    scheme, authority, rest = found.groups()
    if scheme.lower() not in _SCHEMES or "@" in authority or (not rest.startswith("/") and "@" in rest):
        return None
    return _host(_without_port(authority))


def host_of_literal(text: str) -> Host | None:
    """A host that stands alone: a name or an address in any notation, brackets optional."""
    if ":" in text and not text.startswith("["):
        return _address_6(text)
    return _host(text)


def _without_port(authority: str) -> str:
    host, colon, _ = authority.rpartition(":")
    if not colon or authority.endswith("]"):
        return authority
    port = authority[len(host) :]
    return host if _PORT.fullmatch(port) and int(port[1:]) < 65536 else ""


def _host(text: str) -> Host | None:
    if text.startswith("[") and text.endswith("]"):
        return _address_6(text[1:-1])
    name = text.lower().removesuffix(".")
    labels = name.split(".")
    if not name.isascii() or len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    return _address_4(labels) if _is_numeric(labels[-1]) else name


def _is_numeric(label: str) -> bool:
    return label.isdigit() or (label.startswith("0x") and all(digit in "0123456789abcdef" for digit in label[2:]))


def _address_4(labels: list[str]) -> IPv4Address | None:
    """One to four parts in decimal, octal (leading 0) or hexadecimal (0x); the last fills what is left."""
    parts = [_part(label) for label in labels]
    if len(parts) > 4 or any(part is None for part in parts):
        return None
    *head, last = (part for part in parts if part is not None)
    if any(part > 255 for part in head) or last >= 256 ** (4 - len(head)):
        return None
    return IPv4Address(sum(part << (8 * (3 - place)) for place, part in enumerate(head)) + last)


def _part(label: str) -> int | None:
    if not _is_numeric(label) or len(label) > 16:
        return None
    try:
        if label.startswith("0x"):
            return int(label[2:] or "0", 16)
        return int(label, 8 if label.startswith("0") else 10)
    except ValueError:  # a digit 8 or 9 after a leading 0: readers disagree
        return None


def _address_6(text: str) -> IPv6Address | None:
    if "%" in text:
        return None
    try:
        return IPv6Address(text)
    except AddressValueError:
        return None


def is_public(host: Host) -> bool | None:
    """Whether the address is one of the public internet; None for a name, of which only a resolver knows."""
    if isinstance(host, IPv4Address):
        return not any(host in network for network in _LOCAL_4)
    if isinstance(host, IPv6Address):
        return _is_public_6(host)
    return None


def _is_public_6(address: IPv6Address) -> bool:
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and address in _NAT64:
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
    if inner is not None:
        return is_public(inner) is True
    if (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        return False
    return address in _GLOBAL_6 and not any(address in network for network in _LOCAL_6)


def read_host_pattern(text: object) -> Host | None:
    """A host of a policy: `example.com`, `*.example.com` (kept with its star), an address; None if it is neither."""
    if type(text) is not str:
        return None
    bare = text.removeprefix("*.")
    host = host_of_literal(bare)
    if bare is not text and bare != text:
        return f"*.{host}" if type(host) is str else None
    return host


def covers(patterns: frozenset[Host], host: Host) -> bool:
    """Whether the host is one of the patterns or stands below one that begins with a star."""
    if host in patterns:
        return True
    if type(host) is not str:
        return False
    labels = host.split(".")
    return any("*." + ".".join(labels[at:]) in patterns for at in range(1, len(labels)))
