"""A real client of the gateway, as a process of its own: the official SDK calls one tool and prints what it got.

`python -m tests.browser.agent URL TOOL ARGUMENTS`, with the token in TOKEN; leaves with 1 for an error result.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys

from toolgate.demo.agent import agent


async def main(url: str, tool: str, arguments: str) -> int:
    async with agent(url, os.environ["TOKEN"]) as connected:
        answer = await connected.call(tool, json.loads(arguments))
    sys.stdout.write(answer.text)
    return int(answer.denied)


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main(*sys.argv[1:])))
