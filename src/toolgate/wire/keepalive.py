"""Finds peers that vanished without a word: TCP asks those that are silent for a minute."""

from __future__ import annotations

import socket
from typing import Protocol

# Idle streams carry no bytes for hours, so that nothing else would tell. About two minutes in all.
_OPTIONS = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}


class Optioned(Protocol):
    """A socket, or what the loop gives out as one."""

    def setsockopt(self, level: int, option: int, value: int, /) -> None:
        """Set an option."""
        ...


def keep_alive(connection: Optioned) -> None:
    """Let TCP probe; connections that a listening socket accepts inherit it. Some systems know only their own times."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _OPTIONS.items():
        if (option := getattr(socket, name, None)) is not None:
            connection.setsockopt(socket.IPPROTO_TCP, option, value)
