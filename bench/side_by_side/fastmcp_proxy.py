"""FastMCP's proxy as a program, run by the interpreter of its own environment: UPSTREAM PORT default|shared|tuned.

`default` is `create_proxy(URL)` served as it comes: each call opens a session with the upstream. `shared` has one
connected client for all calls. `tuned` moreover answers in JSON, and has the faster event loop and parser that uvicorn
takes where they are installed.
"""

import asyncio
import sys

import uvloop
from fastmcp import Client
from fastmcp.server import create_proxy


async def serve(upstream: str, port: int, how: str) -> None:
    here = {
        "transport": "http",
        "host": "127.0.0.1",
        "port": port,
        "show_banner": False,
        "json_response": how == "tuned",
    }
    config = {"access_log": False, "http": "httptools" if how == "tuned" else "h11"}
    if how == "default":
        await create_proxy(upstream).run_http_async(**here, uvicorn_config=config)
        return
    async with Client(upstream) as client:
        await create_proxy(client).run_http_async(**here, uvicorn_config=config)


if __name__ == "__main__":
    serving = serve(sys.argv[1], int(sys.argv[2]), sys.argv[3])
    (uvloop if sys.argv[3] == "tuned" else asyncio).run(serving)
