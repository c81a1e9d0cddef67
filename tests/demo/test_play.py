import json
from pathlib import Path

import pytest

from toolgate import clients
from toolgate.demo import play
from toolgate.demo.play import CARGO, FILES, Json, Play
from toolgate.policy.document import parse

EXAMPLES = Path(__file__).parents[2] / "examples"
DOCUMENTS = {
    "cargo": CARGO.policy,
    "reference/ten-runs-a-minute": play.per_minute(CARGO),
    "reference/ten-runs-in-sixty-seconds": play.per_sixty_seconds(CARGO),
    "reference/no-builds-today": play.with_a_reason(CARGO),
    "reference/hide-remove": play.everything_hidden(CARGO),
    "reference/needs-a-person": play.needs_a_person(CARGO),
}


@pytest.mark.parametrize(("name", "document"), DOCUMENTS.items())
def test_the_tour_plays_the_documents_of_the_examples(name: str, document: Json) -> None:
    assert json.loads((EXAMPLES / f"{name}.json").read_text()) == document


@pytest.mark.parametrize("chosen", [CARGO, FILES])
def test_every_policy_of_the_tour_is_valid(chosen: Play) -> None:
    parse(json.dumps(chosen.policy))


def test_without_cargo_the_files_server_is_played(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert play.choose() is FILES


def test_what_is_pasted_holds_address_and_token() -> None:
    for form in (clients.claude_code, clients.cursor, clients.generic):
        text = form("cargo", "http://127.0.0.1:8484/mcp/x/", "tg_secret")
        assert "http://127.0.0.1:8484/mcp/x/" in text
        assert "Authorization" in text
        assert "Bearer tg_secret" in text
    assert json.loads(clients.cursor("cargo", "u", "t"))["mcpServers"]["cargo"]["url"] == "u"
