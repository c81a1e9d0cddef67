"""A real client of the gateway, as a process of its own: the official SDK calls tools and prints what it got.

`python -m tests.browser.agent URL [TOOL ARGUMENTS]...`, with the token in TOKEN; leaves with 1 if one fails.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys

from toolgate.demo.agent import agent


async def main(url: str, *words: str) -> int:
    failed = False
    async with agent(url, os.environ["TOKEN"]) as connected:
        for tool, arguments in zip(words[::2], words[1::2], strict=True):
            answer = await connected.call(tool, json.loads(arguments))
            sys.stdout.write(answer.text)
            failed = failed or answer.denied
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main(*sys.argv[1:])))
