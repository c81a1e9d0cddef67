"""Every gateway and how it is set up: one worker, its own limiters and access log off, the rest as it comes.

Each is a context manager over a `Place` that yields an `Endpoint`. What is done once in an installation's life (a
database's tables, the registration of the server) is done before the clock of the start runs.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.peers import PASSES, nginx
from bench.side_by_side.place import ROOT, STDIO_SERVER, Endpoint, Place, free_port, now
from bench.side_by_side.work import OPEN, POLICY

Start = Callable[[Place], AbstractContextManager[Endpoint]]
SECRET = "side-by-side-Secret-0123456789-abcdefgh"


@dataclass(frozen=True)
class Peer:
    """One gateway in one configuration."""

    name: str
    start: Start


@contextmanager
def direct(place: Place) -> Iterator[Endpoint]:
    yield Endpoint(place.upstream, {}, None, now())


@contextmanager
def nginx_proxy(place: Place) -> Iterator[Endpoint]:
    port, upstream = free_port(), int(place.upstream.split(":")[2].split("/")[0])
    started = now()
    with place.gateway(nginx(place.folder, "proxy", port, PASSES, upstream)) as process:
        yield Endpoint(f"http://127.0.0.1:{port}/mcp", {}, process, started)


def toolgate(*reached: str, policy: dict[str, Any] = POLICY) -> Start:
    """Toolgate as it comes, with a policy; `reached` is how it reaches the server, by default over HTTP."""

    @contextmanager
    def start(place: Place) -> Iterator[Endpoint]:
        program = ROOT / ".venv/bin/toolgate"
        data = ("--data", str(place.folder / "data"))
        file = place.folder / "policy.json"
        file.write_text(json.dumps(policy))
        server = json.loads(
            place.run(program, "server", "add", "s", *(reached or ("--url", place.upstream)), *data, "--json")
        )
        place.run(program, "policy", "add", "p", file, *data)
        grant = json.loads(
            place.run(program, "grant", "add", "--server", "s", "--policy", "p", "--label", "g", *data, "--json")
        )
        port = free_port()
        command = (program, "serve", *data, "--port", str(port), "--control-port", str(free_port()))
        started = now()
        with place.gateway(command) as process:
            headers = {"authorization": f"Bearer {grant['token']}"}
            yield Endpoint(f"http://127.0.0.1:{port}/mcp/{server['id']}/", headers, process, started)

    return start


def fastmcp(how: str) -> Start:
    @contextmanager
    def start(place: Place) -> Iterator[Endpoint]:
        port = free_port()
        script = Path(__file__).with_name("fastmcp_proxy.py")
        command = (place.environment_of("fastmcp") / "python", script, place.upstream, str(port), how)
        started = now()
        with place.gateway(command, {"FASTMCP_CHECK_FOR_UPDATES": "off"}) as process:
            yield Endpoint(f"http://127.0.0.1:{port}/mcp", {}, process, started)

    return start


@contextmanager
def mcp_proxy(place: Place) -> Iterator[Endpoint]:
    port = free_port()
    program = place.environment_of("mcp-proxy") / "mcp-proxy"
    command = (program, "--port", str(port), "--log-level", "WARNING", "--pass-environment", "--", *STDIO_SERVER)
    started = now()
    with place.gateway(command) as process:
        yield Endpoint(f"http://127.0.0.1:{port}/mcp", {}, process, started)


@contextmanager
def litellm(place: Place) -> Iterator[Endpoint]:
    port = free_port()
    servers = {"upstream": {"url": place.upstream, "transport": "http"}}
    config = place.folder / "config.yaml"
    config.write_text(json.dumps({"general_settings": {"master_key": f"sk-{SECRET}"}, "mcp_servers": servers}))
    command = (
        place.environment_of("litellm") / "litellm",
        "--config",
        config,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    )
    # The price list is otherwise fetched from the network at each start.
    environment = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR"}
    started = now()
    with place.gateway(command, environment) as process:
        headers = {"authorization": f"Bearer sk-{SECRET}"}
        yield Endpoint(f"http://127.0.0.1:{port}/upstream/mcp", headers, process, started)


CONTEXTFORGE = {
    "DATABASE_URL": "sqlite:///./mcp.db",
    "CACHE_TYPE": "memory",
    "JWT_SECRET_KEY": SECRET,
    "AUTH_ENCRYPTION_SECRET": SECRET[::-1],
    "PLATFORM_ADMIN_EMAIL": "admin@example.com",
    "PLATFORM_ADMIN_PASSWORD": SECRET,
    "DEFAULT_USER_PASSWORD": SECRET,
    "BASIC_AUTH_PASSWORD": SECRET,
    "SSRF_ALLOW_LOCALHOST": "true",
    "RATE_LIMITING_ENABLED": "false",
    "MCPGATEWAY_UI_ENABLED": "false",
    "MCPGATEWAY_ADMIN_API_ENABLED": "false",
}


@contextmanager
def contextforge(place: Place) -> Iterator[Endpoint]:
    port, programs = free_port(), place.environment_of("contextforge")
    command = (programs / "mcpgateway", "--host", "127.0.0.1", "--port", str(port), "--no-access-log")
    mint = (programs / "python", "-m", "mcpgateway.utils.create_jwt_token", "--username", "admin@example.com")
    token = place.run(*mint, "--exp", "600", "--secret", SECRET, environment=CONTEXTFORGE).split()[-1]
    headers = {"authorization": f"Bearer {token}"}
    base = f"http://127.0.0.1:{port}"
    with place.gateway(command, CONTEXTFORGE):
        server = _register(base, headers, place.upstream)
    started = now()
    with place.gateway(command, CONTEXTFORGE) as process:
        yield Endpoint(f"{base}/servers/{server}/mcp/", headers, process, started)


def _register(base: str, headers: dict[str, str], upstream: str) -> str:
    """Federate the upstream and put its tool on a virtual server; gives that server's id."""
    _ask_when_up(f"{base}/health", headers)
    _ask(f"{base}/gateways", headers, {"name": "upstream", "url": upstream, "transport": "STREAMABLEHTTP"})
    tools = [tool["id"] for tool in _ask(f"{base}/tools", headers)]
    return str(_ask(f"{base}/servers", headers, {"server": {"name": "bench", "associated_tools": tools}})["id"])


def _ask(url: str, headers: dict[str, str], body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json", **headers})
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def _ask_when_up(url: str, headers: dict[str, str], seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not _up(url, headers):
        if time.monotonic() > deadline:
            raise SystemExit(f"nobody answers at {url}")
        time.sleep(0.2)


def _up(url: str, headers: dict[str, str]) -> bool:
    try:
        _ask(url, headers)
    except (urllib.error.URLError, ConnectionError):
        return False
    return True


OVER_STDIO = ("--command", " ".join(STDIO_SERVER), "--env", f"PYTHONPATH={ROOT}")
PEERS = (
    Peer("direct", direct),
    Peer("nginx", nginx_proxy),
    Peer("toolgate", toolgate()),
    Peer("toolgate-open", toolgate(policy=OPEN)),
    Peer("fastmcp-tuned", fastmcp("tuned")),
    Peer("fastmcp-shared", fastmcp("shared")),
    Peer("fastmcp", fastmcp("default")),
    Peer("litellm", litellm),
    Peer("contextforge", contextforge),
    Peer("toolgate-stdio", toolgate(*OVER_STDIO)),
    Peer("mcp-proxy", mcp_proxy),
)
