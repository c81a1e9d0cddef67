"""Every asynchronous test runs on the loop that the product runs on."""

from __future__ import annotations

import uvloop


def pytest_asyncio_loop_factories() -> dict[str, type[uvloop.Loop]]:
    return {"uvloop": uvloop.Loop}
