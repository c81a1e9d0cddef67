"""A gateway that was killed can be started again at once, on the same ports."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from toolgate.control.listening import listening
from toolgate.errors import ToolgateError


async def test_a_control_port_that_the_killed_process_still_holds_is_waited_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        opening = asyncio.ensure_future(listening("127.0.0.1", port))
        await asyncio.wait({opening}, timeout=0.05)
        assert not opening.done()
    with await opening as listener:
        assert listener.getsockname()[1] == port


async def test_a_control_port_that_may_not_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolgateError, match="cannot be listened on"):
        await listening("192.0.2.1", 0)
