"""Connecting a real MCP server to a real authorization server, as an administrator with a browser does."""

from __future__ import annotations

import pytest
from tests.control.connecting.scene import Scene, words

pytestmark = pytest.mark.slow


async def test_a_server_is_connected_by_a_button_and_a_consent(scene: Scene) -> None:
    answer = await scene.admin.post(scene.path(), {})
    said = words(answer)
    assert scene.provider.issuer in said
    assert "tools:read" in said
    assert scene.guarded.url in said
    ended = await scene.connected()
    assert ended.location == f"{scene.path()}?done=connected"
    connection = scene.connection()
    assert (connection.status, connection.scope, connection.generation) == ("connected", "tools:read", 1)
    assert scene.tokens().refresh
