"""The refusal that the first page shows is what its policy does, word for word."""

import json
import re
import shutil
from pathlib import Path

import pytest

from toolgate.demo import stage
from toolgate.demo.agent import agent
from toolgate.demo.crate import write_crate

from .reading import FENCE, ROOT

DECISION = re.compile(r"Decision: [\w-]+")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("cargo") is None, reason="needs cargo")]


def same(text: str) -> str:
    """The text on one line, with the id of the decision left out, which is another one each time."""
    return DECISION.sub("Decision: ID", " ".join(text.split()))


async def test_the_first_page_shows_a_real_refusal(tmp_path: Path) -> None:
    page = (ROOT / "README.md").read_text()
    fenced = [text for _, text in FENCE.findall(page)]
    policy = json.loads(next(text for text in fenced if '"version"' in text))
    shown = next(text for text in fenced if text.startswith("[POLICY DENIED]"))
    call = re.search(r"calls `(\w+)` with `(\{.*?\})`", page)
    assert call is not None
    write_crate(tmp_path / "served/hello")
    with (
        stage.server("toolgate.demo.cargo", tmp_path / "served", tmp_path / "server.log") as upstream,
        stage.gateway(tmp_path) as command_line,
    ):
        command_line.json("server", "add", "cargo", "--url", upstream)
        command_line.policy("first-page", policy)
        words = ("grant", "add", "--server", "cargo", "--policy", "first-page", "--label", "reader")
        granted = command_line.json(*words)
        async with agent(granted["proxy_url"], granted["token"]) as reader:
            answer = await reader.call(call[1], json.loads(call[2]))
    assert answer.denied
    assert same(answer.text) == same(shown)
