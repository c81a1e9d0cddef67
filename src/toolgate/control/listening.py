"""The socket of the control plane."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Final

from toolgate.errors import ToolgateError

_TRIES: Final = 50
_PAUSE: Final = 0.1
_BACKLOG: Final = 128


async def listening(host: str, port: int) -> socket.socket:
    """A listening socket; raises ToolgateError where that cannot be.

    The control process of a gateway that was killed a moment ago may still hold the port: it is waited for.
    """
    for _ in range(_TRIES):
        try:
            return _open(host, port)
        except OSError as error:
            reason = error.strerror or str(error)
            if error.errno != errno.EADDRINUSE:
                break
        await asyncio.sleep(_PAUSE)
    raise ToolgateError(f"{host}:{port}", f"cannot be listened on: {reason}", "choose another --control-port")


def _open(host: str, port: int) -> socket.socket:
    listener = socket.create_server((host, port), family=_family(host), backlog=_BACKLOG)
    # Its connections inherit this. asyncio sets it only where the socket names its protocol, and without it the body of
    # an answer waits 40 ms until the reader has acknowledged the head.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
