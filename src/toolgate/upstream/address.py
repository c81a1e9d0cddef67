"""Where an upstream is: its URL read strictly, its name resolved once, its addresses kept inside what is allowed.

A gateway that follows any URL is a tool for server-side request forgery (CVE-2026-77822), so private ranges are
refused unless the operator allows them, and a connection goes to the very address that was checked.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from toolgate.errors import ToolgateError

_PORTS = {"http": 80, "https": 443}
_LOOPBACK_NAMES = frozenset({"localhost", "ip6-localhost"})


class AddressError(ToolgateError):
    """The URL or what its host resolves to is not acceptable."""


@dataclass(slots=True, frozen=True)
class Endpoint:
    """One upstream URL in parts. `target` is path and query as sent; `host` is lower-case, IPv6 without brackets."""

    scheme: Literal["http", "https"]
    host: str
    port: int
    target: str

    @property
    def loopback(self) -> bool:
        """Whether the operator wrote a loopback host, which needs no further permission."""
        if self.host in _LOOPBACK_NAMES:
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def parse_url(url: str, *, allow_private: bool = False) -> Endpoint:
    """Read an upstream URL; raises AddressError.

    `https` is required unless the host is loopback or `allow_private` is given; user info and fragments are refused,
    because credentials belong in headers and two parsers read them differently.
    """
    if any(ord(c) <= 0x20 or ord(c) >= 0x7F for c in url) or "\\" in url:
        raise AddressError("--url", f"`{url}` has a character that no URL may hold", "write it percent-encoded")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressError("--url", f"`{url}` is no URL: {error}") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise AddressError("--url", f"`{url}` is no http or https URL", "give one like https://host/mcp")
    if parts.username is not None or parts.fragment:
        raise AddressError("--url", "user info and fragments are not accepted", "give credentials with --header")
    scheme: Literal["http", "https"] = "https" if parts.scheme == "https" else "http"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    endpoint = Endpoint(scheme, parts.hostname, port or _PORTS[scheme], target)
    if scheme == "http" and not endpoint.loopback and not allow_private:
        raise AddressError("--url", f"`{url}` is not encrypted", "use https, or allow it with --allow-private")
    return endpoint


async def resolve(endpoint: Endpoint, *, allow_private: bool = False) -> tuple[str, ...]:
    """The addresses to connect to, checked; raises AddressError when none is acceptable.

    One refused address refuses the host: a name that answers with a public and a private address is a trick.
    """
    try:
        infos = await asyncio.get_running_loop().getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressError(endpoint.host, f"the name does not resolve: {error}") from None
    addresses = tuple(dict.fromkeys(str(info[4][0]) for info in infos))
    if not addresses:
        raise AddressError(endpoint.host, "the name resolves to no address")
    if not allow_private:
        for address in addresses:
            _check_public(endpoint, address)
    return addresses


def _check_public(endpoint: Endpoint, address: str) -> None:
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if endpoint.loopback and ip.is_loopback:
        return
    if not ip.is_global or ip.is_multicast:
        raise AddressError(
            endpoint.host, f"resolves to `{address}`, which is not public", "allow it with --allow-private"
        )
