"""Which commands say what they start, and which leave it to the day."""

from __future__ import annotations

import pytest

from toolgate.upstream.versions import floating

_DIGEST = "sha256:" + "0" * 64
_COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("command", "fetched"),
    [
        ("npx mailer", "mailer"),
        ("npx -y @acme/mailer", "@acme/mailer"),
        ("npx -y @acme/mailer@latest", "@acme/mailer@latest"),
        ("npx mailer@^1.0.15", "mailer@^1.0.15"),
        ("npx mailer@1", "mailer@1"),
        ("npx mailer@1.0.x", "mailer@1.0.x"),
        ("npx --package=mailer start", "mailer"),
        ("npx -p mailer start", "mailer"),
        ("npx --registry https://packages.example mailer", "mailer"),
        ("/usr/bin/npx mailer", "mailer"),
        (r"C:\node\npx.cmd mailer", "mailer"),
        ("npm exec -- mailer", "mailer"),
        ("pnpm dlx mailer", "mailer"),
        ("bunx mailer", "mailer"),
        ("uvx mailer", "mailer"),
        ("uvx mailer>=1.0", "mailer>=1.0"),
        ("uvx --from mailer[all] serve", "mailer[all]"),
        ("uvx --python 3.12 mailer", "mailer"),
        ("uv tool run mailer", "mailer"),
        ("pipx run mailer", "mailer"),
        ("uvx git+https://secret@code.example/mailer@main", "git+https://..."),
        ("docker run -i --rm acme/mailer", "acme/mailer"),
        ("docker run -i --rm -e KEY acme/mailer:1.0.15", "acme/mailer:1.0.15"),
        ("docker run -e KEY=value --name mail acme/mailer:latest serve", "acme/mailer:latest"),
    ],
)
def test_what_is_fetched_without_a_version_is_told(command: str, fetched: str) -> None:
    assert floating(command.split(" ")) == fetched


@pytest.mark.parametrize(
    "command",
    [
        "npx mailer@1.0.15",
        "npx -y @acme/mailer@1.0.15-beta.2",
        "npx --package=mailer@1.0.15 start",
        "npx ./mailer",
        "npm run start",
        "npm start",
        f"npx github:acme/mailer#{_COMMIT}",
        "uvx mailer==1.0.15",
        "uvx mailer@1.0.15",
        "uvx --from mailer[all]==1.0.15 serve",
        f"uvx git+https://code.example/mailer@{_COMMIT}",
        "uv run server.py",
        "pipx run mailer==1.0",
        f"docker run -i --rm -e KEY acme/mailer@{_DIGEST}",
        f"docker run acme/mailer:1.0.15@{_DIGEST}",
        "docker ps",
        "python -m mailer",
        "/opt/mailer/bin/mailer --stdio",
        "npx",
        "",
    ],
)
def test_a_command_that_says_its_version_or_fetches_nothing_is_fixed(command: str) -> None:
    assert floating(command.split(" ") if command else []) == ""
