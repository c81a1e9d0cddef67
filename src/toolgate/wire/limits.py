"""What a listener and a pool put up with. Sizes are in bytes, durations in seconds."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024


@dataclass(slots=True, frozen=True)
class ServerLimits:
    """Timeouts are looked at every `tick`: they never fire early, and at most one tick late."""

    head_bytes: int = 16 * KIB
    target_bytes: int = 8 * KIB
    header_count: int = 100
    connections: int = 20_000
    held_bytes: int = 64 * KIB  # of a body nobody has asked for yet, or of pipelined requests; then reading pauses
    head_timeout: float = 10.0  # from the first byte (or the connection) to the end of the head
    body_stall: float = 15.0  # without a byte of a body that is being waited for
    body_timeout: float = 300.0  # for the whole of a body
    write_stall: float = 30.0  # without a byte accepted by the peer while there is something to send
    idle_timeout: float = 75.0  # between two requests
    linger: float = 2.0  # for the peer to close after our last byte
    tick: float = 0.5


@dataclass(slots=True, frozen=True)
class PoolLimits:
    """Timeouts are looked at every `tick`: they never fire early, and at most one tick late."""

    connections: int = 1024
    queue: int = 1024
    queue_timeout: float = 5.0
    connect_timeout: float = 10.0  # for each address, TLS included
    idle_timeout: float = 4.0  # shorter than the 5 s after which common servers hang up
    idle_timeout_max: float = 60.0  # where the server promises more by `Keep-Alive: timeout=`
    backoff: float = 0.5  # after a failed connect, further ones fail at once for so long
    head_bytes: int = 32 * KIB
    header_count: int = 200
    held_bytes: int = 128 * KIB  # of an answer nobody has read yet; then reading pauses
    tick: float = 0.5
